import { hash } from "node:crypto";

/**
 * The `license_id` of a (trimmed) license key: its SHA-256 in hex. The key itself is never stored.
 */
export function licenseIdOf(licenseKey: string): string {
  return hash("sha256", licenseKey, "hex");
}
