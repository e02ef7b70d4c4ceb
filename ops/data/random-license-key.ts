import { randomInt } from "node:crypto";

/**
 * A key of 16 characters (80 bits) from the system's cryptographic source, without O and 0, I and 1,
 * which people confuse when they read it out.
 */
export function randomLicenseKey(): string {
  const characters = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
  const group = () =>
    Array.from({ length: 4 }, () => characters.charAt(randomInt(characters.length))).join("");
  return [group(), group(), group(), group()].join("-");
}
