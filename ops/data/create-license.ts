import { isDeepStrictEqual } from "node:util";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { PutCommand } from "@aws-sdk/lib-dynamodb";
import { licenseIdOf } from "../../lambdas/license-key.ts";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import { getLicense } from "./get-license.ts";
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
  /** Who creates it, if that is recorded. */
  note?: ChangeNote;
};

/**
 * Creates a license, unless one with this key exists, which is then left unchanged.
 *
 * @throws any SDK error except the failed condition
 */
export async function createLicense(
  { client, tableName }: TableHandle,
  {
    licenseKey,
    licenseType = defaultLicenseType,
    maxSessions = defaultMaxSessions,
    email,
    expiresAtMs,
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
    fencing_token: 0,
    sessions: {},
    ...(note && noteAttributes(note)),
  };
  try {
    await client.send(
      new PutCommand({
        TableName: tableName,
        Item: license,
        ConditionExpression: "attribute_not_exists(license_id)",
      }),
    );
    return { created: true, license };
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    if ((error.$metadata.attempts ?? 1) === 1) return { created: false };
    // The SDK's first attempt may have been applied and its answer lost, so that the retry failed.
    const stored = await getLicense({ client, tableName }, license.license_id);
    return isDeepStrictEqual(stored, license) ? { created: true, license } : { created: false };
  }
}
