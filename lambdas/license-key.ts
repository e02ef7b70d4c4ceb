import { hash } from "node:crypto";
import * as z from "zod/mini";

export const licenseKeySchema = z
  .string()
  .check(
    z.trim(),
    z.minLength(1),
    z.maxLength(128),
    z.refine(isWellFormed),
    z.describe("1 to 128 characters; space around it is ignored"),
  );

/**
 * The `license_id` of a (trimmed) license key: its SHA-256 in hex. The key itself is never stored.
 */
export function licenseIdOf(licenseKey: string): string {
  return hash("sha256", licenseKey, "hex");
}

/** A string with a lone surrogate has no UTF-8 form, so it can't be hashed or stored unchanged. */
export function isWellFormed(text: string): boolean {
  return text.isWellFormed();
}
