import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { defaultMaxSessions } from "../../licenses/create-license.ts";
import type { LicenseItem } from "../../licenses/license-item.ts";
import type { TableHandle } from "../../licenses/table-handle.ts";
import type { ImportRow } from "./import-row.ts";

/** `kept`: it was there already. With `replace`, only a license that was given a new key is. */
export type Written = "created" | "replaced" | "kept";

/**
 * Writes one license, in one conditional write. Written again, it is the same.
 *
 * @param nowMs for a license of which it is not known when it was made
 */
export async function writeRow(
  table: TableHandle,
  row: ImportRow,
  replace: boolean,
  nowMs: number,
): Promise<Written> {
  try {
    return await (replace ? createOrReplace(table, row, nowMs) : createIfNew(table, row, nowMs));
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return "kept";
    throw error;
  }
}

async function createIfNew(
  { client, tableName }: TableHandle,
  row: ImportRow,
  nowMs: number,
): Promise<Written> {
  const item: LicenseItem = {
    license_id: row.licenseId,
    ...statusOf(row),
    license_type: row.licenseType,
    ...(row.email !== undefined && { email: row.email }),
    created_at: row.createdAtMs ?? nowMs,
    ...(row.expiresAtMs !== undefined && { license_expiration: row.expiresAtMs }),
    max_sessions: row.maxSessions ?? defaultMaxSessions,
    fencing_token: row.fencingToken ?? 0,
    sessions: {},
  };
  await client.send(
    new PutCommand({
      TableName: tableName,
      Item: item,
      ConditionExpression: "attribute_not_exists(license_id)",
    }),
  );
  return "created";
}

/**
 * What the file says replaces what is there; sessions, and the count of claims, stay. A license
 * that was given a new key since the file was written stays as it is: its old key has leaked.
 */
async function createOrReplace(
  { client, tableName }: TableHandle,
  row: ImportRow,
  nowMs: number,
): Promise<Written> {
  const always = {
    ...statusOf(row),
    license_type: row.licenseType,
    ...(row.maxSessions !== undefined && { max_sessions: row.maxSessions }),
    ...(row.createdAtMs !== undefined && { created_at: row.createdAtMs }),
    email: row.email,
    license_expiration: row.expiresAtMs,
  };
  const ifMissing = {
    max_sessions: defaultMaxSessions,
    created_at: nowMs,
    fencing_token: row.fencingToken ?? 0,
    sessions: {},
  };
  const set: Record<string, unknown> = Object.fromEntries(
    Object.entries(always).filter(([, value]) => value !== undefined),
  );
  const removed = Object.keys(always).filter((name) => !(name in set));
  const kept = Object.entries(ifMissing).filter(([name]) => !(name in set));
  const sets = [
    ...Object.keys(set).map((name) => `#${name} = :${name}`),
    ...kept.map(([name]) => `#${name} = if_not_exists(#${name}, :${name})`),
  ];
  const names = [...Object.keys(set), ...removed, ...kept.map(([name]) => name)];
  const notRekeyed = "attribute_not_exists(superseded_by)";
  const rekeyedAlike = "superseded_by = :superseded_by";
  const { Attributes } = await client.send(
    new UpdateCommand({
      TableName: tableName,
      Key: { license_id: row.licenseId },
      UpdateExpression: [
        `SET ${sets.join(", ")}`,
        ...(removed.length > 0 ? [`REMOVE ${removed.map((name) => `#${name}`).join(", ")}`] : []),
      ].join(" "),
      ConditionExpression:
        row.supersededBy === undefined ? notRekeyed : `${notRekeyed} OR ${rekeyedAlike}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: Object.fromEntries(
        [...Object.entries(set), ...kept].map(([name, value]) => [`:${name}`, value]),
      ),
      ReturnValues: "UPDATED_OLD",
    }),
  );
  return Attributes ? "replaced" : "created";
}

/** A license that had been rekeyed when it was exported must not come back to life. */
function statusOf({ status, supersededBy }: ImportRow) {
  return supersededBy === undefined
    ? { status }
    : { status: "cancelled" as const, superseded_by: supersededBy, superseded_status: status };
}
