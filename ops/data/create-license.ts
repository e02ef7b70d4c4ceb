import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import { putIfNew } from "./conditional-writes.ts";
import { defaultLicenseType, type LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

export const defaultMaxSessions = 20;

export type NewLicense = {
  licenseKey: string;
  /** `defaultLicenseType` if not given. */
  licenseType?: string;
  /** `defaultMaxSessions` if not given. */
  maxSessions?: number;
  email?: string;
  /** Epoch milliseconds; a license without it never expires. */
  expiresAtMs?: number;
  /** The license's own timeout, if not the service's. */
  sessionTimeoutSeconds?: number;
  /** Who creates it, if that is recorded. */
  note?: ChangeNote;
};

/**
 * Creates a license, unless one with this key exists, which is then left unchanged.
 *
 * @throws any SDK error except the failed condition
 */
export async function createLicense(
  table: TableHandle,
  {
    licenseKey,
    licenseType = defaultLicenseType,
    maxSessions = defaultMaxSessions,
    email,
    expiresAtMs,
    sessionTimeoutSeconds,
    note,
  }: NewLicense,
  nowMs: number,
): Promise<{ created: true; license: LicenseItem } | { created: false }> {
  const license: LicenseItem = {
    license_id: licenseIdOf(licenseKey),
    status: "active",
    license_type: licenseType,
    ...(email !== undefined && { email }),
    created_at: nowMs,
    ...(expiresAtMs !== undefined && { license_expiration: expiresAtMs }),
    max_sessions: maxSessions,
    ...(sessionTimeoutSeconds !== undefined && { session_timeout_seconds: sessionTimeoutSeconds }),
    fencing_token: 0,
    sessions: {},
    portfolios: {},
    ...(note && noteAttributes(note)),
  };
  const stored = await putIfNew(table, license);
  return stored ? { created: true, license: stored } : { created: false };
}
