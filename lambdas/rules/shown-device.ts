import { hash } from "node:crypto";

/**
 * The part of a device fingerprint that others may see: at most 8 characters and never more than
 * half, so that a caller who knows the key can't pose as the holder.
 */
export function maskFingerprint(deviceFingerprint: string): string {
  const characters = [...deviceFingerprint];
  const shownLength = Math.min(8, Math.floor(characters.length / 2));
  return `${printable(characters.slice(0, shownLength).join(""))}...`;
}

/** Tells devices apart whose fingerprints begin alike: ten hex digits. */
export function deviceHash(licenseId: string, deviceFingerprint: string): string {
  return hash("sha256", `${licenseId}:${deviceFingerprint}`, "hex").slice(0, 10);
}

/** What another caller sent, so that it can't steer a terminal that shows it. */
export function printable(text: string): string {
  return text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
}
