import { randomUUID } from "node:crypto";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { GetCommand, PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { CommandError } from "../../command-line/command-error.ts";
import { type ChangeNote, noteAttributes } from "../../licenses/change-note.ts";
import { defaultMaxSessions } from "../../licenses/create-license.ts";
import type { LicenseItem } from "../../licenses/license-item.ts";
import type { TableHandle } from "../../licenses/table-handle.ts";
import type { ImportRow } from "./import-row.ts";

/** `kept`: it was there, and stays as it was: without `replace`, or because it is so already. */
export type Written = "created" | "replaced" | "kept";

/** The item as it was read, by whoever it was written; `undefined`: there is none. */
export type SeenItem = Record<string, unknown> | undefined;

export type WriteMode = {
  replace: boolean;
  /** Its instant is for a license of which it is not known when it was made, too. */
  note: ChangeNote;
};

/**
 * DynamoDB takes some 1,000 writes a second on one item. A token that begins at a thousand for each
 * millisecond since 1970 is therefore ahead of all that were granted before, also of those after an
 * earlier import, of which the export knows nothing.
 */
const tokensPerMs = 1_000;

/** By claims alone, a license gets there in 31 years at the earliest: above it, an import was the last leap. */
const leastLeapt = 1e12;

/** What a row would do to the item that was seen. */
export function judgeRow(row: ImportRow, seen: SeenItem, { replace, note }: WriteMode): Written {
  if (!seen) return "created";
  // A license that was given a new key since the file was written stays: its old key has leaked.
  const rekeyed = seen.superseded_by !== undefined && seen.superseded_by !== row.supersededBy;
  return !replace || rekeyed || isSo(row, seen, note) ? "kept" : "replaced";
}

const mostAttempts = 10;

/**
 * Writes what a row makes of the item that was seen, in one conditional write. Written again, it is
 * the same, so nothing is written that stands already.
 *
 * @throws CommandError if the item was never what had just been read of it
 */
export async function writeRow(
  table: TableHandle,
  row: ImportRow,
  seen: SeenItem,
  mode: WriteMode,
): Promise<Written> {
  let item = seen;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const judged = judgeRow(row, item, mode);
    if (judged === "kept") return "kept";
    try {
      await (judged === "created"
        ? createIfNew(table, row, mode.note)
        : replaceSeen(table, row, item, mode.note));
      return judged;
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      // Somebody else wrote it since it was seen.
      item = await readAgain(table, row);
    }
  }
  throw new CommandError(
    `License ${row.licenseId.slice(0, 12)} could not be written in ${mostAttempts} attempts: it changed each time, or was edited by hand. Look at it.`,
  );
}

async function readAgain(
  { client, tableName }: TableHandle,
  { licenseId }: ImportRow,
): Promise<SeenItem> {
  const { Item } = await client.send(
    new GetCommand({
      TableName: tableName,
      Key: { license_id: licenseId },
      ConsistentRead: true,
    }),
  );
  return Item;
}

async function createIfNew(
  { client, tableName }: TableHandle,
  row: ImportRow,
  note: ChangeNote,
): Promise<void> {
  const item: LicenseItem = {
    license_id: row.licenseId,
    ...statusOf(row),
    license_type: row.licenseType,
    ...(row.email !== undefined && { email: row.email }),
    created_at: row.createdAtMs ?? note.atMs,
    ...(row.expiresAtMs !== undefined && { license_expiration: row.expiresAtMs }),
    max_sessions: row.maxSessions ?? defaultMaxSessions,
    fencing_token: firstToken(row, note.atMs),
    sessions: {},
    ...noteAttributes(note),
  };
  await client.send(
    new PutCommand({
      TableName: tableName,
      Item: item,
      ConditionExpression: "attribute_not_exists(license_id)",
    }),
  );
}

/** What the file says replaces what was seen; sessions stay, and the fencing token only goes ahead. */
async function replaceSeen(
  { client, tableName }: TableHandle,
  row: ImportRow,
  seen: SeenItem,
  note: ChangeNote,
): Promise<void> {
  const { set: said, removed, ifMissing } = wanted(row, note);
  const set: Record<string, unknown> = {
    ...said,
    ...noteAttributes(note),
    change_id: randomUUID(),
  };
  if (note.reason === undefined) removed.push("change_reason");
  const leaps = !hasToken(row, seen);
  const sets = [
    ...Object.keys(set).map((name) => `#${name} = :${name}`),
    ...Object.keys(ifMissing).map((name) => `#${name} = if_not_exists(#${name}, :${name})`),
    ...(leaps ? ["fencing_token = :least_token"] : []),
  ];
  const removes = removed.map((name) => `#${name}`).join(", ");
  const names = [...Object.keys(set), ...removed, ...Object.keys(ifMissing)];
  const notRekeyed = "attribute_not_exists(superseded_by)";
  const rekeyed = row.supersededBy === undefined ? "" : " OR superseded_by = :superseded_by";
  // Claims may have been granted since, or another import may have gone ahead.
  const tokenAsSeen = leaps
    ? "(NOT attribute_type(fencing_token, :number) OR fencing_token < :least_token)"
    : "fencing_token >= :least_token";
  await client.send(
    new UpdateCommand({
      TableName: tableName,
      Key: { license_id: row.licenseId },
      UpdateExpression: `SET ${sets.join(", ")}${removes && ` REMOVE ${removes}`}`,
      ConditionExpression: `attribute_exists(license_id) AND (${notRekeyed}${rekeyed}) AND ${tokenAsSeen}`,
      ExpressionAttributeNames: Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ExpressionAttributeValues: {
        ...Object.fromEntries(
          Object.entries({ ...set, ...ifMissing }).map(([name, value]) => [`:${name}`, value]),
        ),
        ":least_token": leaps ? firstToken(row, note.atMs) : leastToken(row),
        ...(leaps && { ":number": "N" }),
      },
    }),
  );
}

function isSo(row: ImportRow, seen: Record<string, unknown>, note: ChangeNote): boolean {
  const { set, removed, ifMissing } = wanted(row, note);
  const endsBy = (value: unknown) => row.endsNow && typeof value === "number" && value <= note.atMs;
  return (
    Object.entries(set).every(
      ([name, value]) =>
        seen[name] === value || (name === "license_expiration" && endsBy(seen[name])),
    ) &&
    removed.every((name) => seen[name] === undefined) &&
    Object.keys(ifMissing).every((name) => seen[name] !== undefined) &&
    hasToken(row, seen)
  );
}

/** What a row says of an item that is there: what it becomes, what goes, what is there at least. */
function wanted(row: ImportRow, note: ChangeNote) {
  const always = {
    ...statusOf(row),
    license_type: row.licenseType,
    ...(row.maxSessions !== undefined && { max_sessions: row.maxSessions }),
    ...(row.createdAtMs !== undefined && { created_at: row.createdAtMs }),
    email: row.email,
    license_expiration: row.expiresAtMs,
  };
  const set: Record<string, unknown> = Object.fromEntries(
    Object.entries(always).filter(([, value]) => value !== undefined),
  );
  const atLeast = { max_sessions: defaultMaxSessions, created_at: note.atMs, sessions: {} };
  return {
    set,
    removed: Object.keys(always).filter((name) => !(name in set)),
    ifMissing: Object.fromEntries(Object.entries(atLeast).filter(([name]) => !(name in set))),
  };
}

/** A row of the old system has no token: its bots have never been given one. */
function leastToken({ fencingToken }: ImportRow): number {
  return fencingToken === undefined ? 0 : Math.max(fencingToken, leastLeapt);
}

/** Of a license that is made, or whose token is behind. */
function firstToken(row: ImportRow, nowMs: number): number {
  const least = leastToken(row);
  if (least === 0) return 0;
  const byTime = nowMs * tokensPerMs;
  // Only a clock that is years behind shows less.
  return byTime > least ? byTime : least + leastLeapt;
}

function hasToken(row: ImportRow, seen: SeenItem): boolean {
  return typeof seen?.fencing_token === "number" && seen.fencing_token >= leastToken(row);
}

/** A license that had been rekeyed when it was exported must not come back to life. */
function statusOf({ status, supersededBy }: ImportRow) {
  return supersededBy === undefined
    ? { status }
    : { status: "cancelled" as const, superseded_by: supersededBy, superseded_status: status };
}
