import { randomInt } from "node:crypto";

/** A key of 16 characters of A-Z0-9 (82 bits) from the system's cryptographic source. */
export function randomLicenseKey(): string {
  const characters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const group = () =>
    Array.from({ length: 4 }, () => characters.charAt(randomInt(characters.length))).join("");
  return [group(), group(), group(), group()].join("-");
}
