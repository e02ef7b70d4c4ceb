import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import { putIfNew } from "./conditional-writes.ts";
import { defaultLicenseType, type LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

export const defaultMaxSessions = 20;

/** What is sold, and to whom. */
type SoldLicense = {
  /** `defaultLicenseType` if not given. */
  licenseType?: string | undefined;
  /** `defaultMaxSessions` if not given. */
  maxSessions?: number | undefined;
  email?: string | undefined;
  /** Epoch milliseconds; a license without it never expires. */
  expiresAtMs?: number | undefined;
  /** The license's own timeout, if not the service's. */
  sessionTimeoutSeconds?: number | undefined;
  /** Who creates it, if that is recorded. */
  note?: ChangeNote;
};

export type NewLicense = SoldLicense & { licenseKey: string };

/**
 * Creates a license, unless one with this key exists, which is then left unchanged.
 *
 * @throws any SDK error except the failed condition
 */
export async function createLicense(
  table: TableHandle,
  { licenseKey, ...sold }: NewLicense,
  nowMs: number,
): Promise<{ created: true; license: LicenseItem } | { created: false }> {
  const stored = await putIfNew(table, newItem(licenseIdOf(licenseKey), sold, nowMs));
  return stored ? { created: true, license: stored } : { created: false };
}

/** The item of a license that nobody has used. */
export function newItem(
  licenseId: string,
  { licenseType, maxSessions, email, expiresAtMs, sessionTimeoutSeconds, note }: SoldLicense,
  nowMs: number,
): LicenseItem {
  return {
    license_id: licenseId,
    status: "active",
    license_type: licenseType ?? defaultLicenseType,
    ...(email !== undefined && { email }),
    created_at: nowMs,
    ...(expiresAtMs !== undefined && { license_expiration: expiresAtMs }),
    max_sessions: maxSessions ?? defaultMaxSessions,
    ...(sessionTimeoutSeconds !== undefined && { session_timeout_seconds: sessionTimeoutSeconds }),
    fencing_token: 0,
    sessions: {},
    portfolios: {},
    ...(note && noteAttributes(note)),
  };
}
