import type { ChangeNote } from "../data/change-note.ts";
import { assignment, noteChange, putIfNew, updateItem } from "../data/conditional-writes.ts";
import { defaultMaxSessions, newItem } from "../data/create-license.ts";
import { getItem } from "../data/get-license.ts";
import type { LicenseItem } from "../data/license-item.ts";
import type { TableHandle } from "../data/table-handle.ts";
import { CommandError } from "../terminal/command-error.ts";
import { type ImportRow, importedToken } from "./import-row.ts";

/**
 * `kept`: the license exists and is not changed, for lack of `replace` or because it is identical.
 */
export type Written = "created" | "replaced" | "kept";

/** The item as it was read, not validated; `undefined` if there is none. */
export type SeenItem = Record<string, unknown> | undefined;

export type WriteMode = {
  replace: boolean;
  /** Its instant also serves as the creation time of a license that has none recorded. */
  note: ChangeNote;
};

/** What writing the row would do to the item that was read. */
export function judgeRow(row: ImportRow, seen: SeenItem, { replace, note }: WriteMode): Written {
  if (!seen) return "created";
  // A license that was rekeyed after the file was written is kept, because its old key has leaked.
  const rekeyed = seen.superseded_by !== undefined && seen.superseded_by !== row.supersededBy;
  return !replace || rekeyed || isSo(row, seen, note) ? "kept" : "replaced";
}

const mostAttempts = 10;

/**
 * Applies a row to the item that was read, in one conditional write. This is idempotent: what is
 * already stored is not written again.
 *
 * @throws CommandError if the item had changed since it was read at every attempt
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
    const written =
      judged === "created"
        ? (await putIfNew(table, itemOf(row, mode.note))) !== undefined
        : await replaceSeen(table, row, item, mode.note);
    if (written) return judged;
    // Another writer has changed the item since it was read.
    item = await getItem(table, row.licenseId);
  }
  throw new CommandError(
    `License ${row.licenseId.slice(0, 12)} could not be written in ${mostAttempts} attempts: it changed each time, or was edited by hand. Look at it.`,
  );
}

function itemOf(row: ImportRow, note: ChangeNote): LicenseItem {
  return {
    ...newItem(row.licenseId, { ...row, note }, row.createdAtMs ?? note.atMs),
    ...statusOf(row),
    fencing_token: firstToken(row, note.atMs),
  };
}

/**
 * Replaces the attributes that were read by those of the file. Sessions stay, and the fencing token
 * only grows.
 *
 * @returns whether it was written; false if the item had changed
 */
async function replaceSeen(
  table: TableHandle,
  row: ImportRow,
  seen: SeenItem,
  note: ChangeNote,
): Promise<boolean> {
  const { attributes, ifMissing } = wanted(row, note);
  const missing = assignment(ifMissing);
  const leaps = !hasToken(row, seen);
  const rekeyed = row.supersededBy === undefined ? "" : " OR superseded_by = :superseded_by";
  const item = await updateItem(table, row.licenseId, [
    {
      conditions: [
        "attribute_exists(license_id)",
        `(attribute_not_exists(superseded_by)${rekeyed})`,
      ],
    },
    assignment(attributes),
    {
      ...missing,
      set: Object.keys(ifMissing).map((name) => `#${name} = if_not_exists(#${name}, :${name})`),
    },
    // Claims or another import may have raised the token since.
    leaps
      ? {
          set: ["fencing_token = :least_token"],
          conditions: [
            "(NOT attribute_type(fencing_token, :number) OR fencing_token < :least_token)",
          ],
          values: { ":least_token": firstToken(row, note.atMs), ":number": "N" },
        }
      : {
          conditions: ["fencing_token >= :least_token"],
          values: { ":least_token": row.fencingToken ?? 0 },
        },
    noteChange(note),
  ]);
  return item !== undefined;
}

function isSo(row: ImportRow, seen: Record<string, unknown>, note: ChangeNote): boolean {
  const { attributes, ifMissing } = wanted(row, note);
  const endsBy = (value: unknown) => row.endsNow && typeof value === "number" && value <= note.atMs;
  return (
    Object.entries(attributes).every(
      ([name, value]) =>
        seen[name] === value || (name === "license_expiration" && endsBy(seen[name])),
    ) &&
    Object.keys(ifMissing).every((name) => seen[name] !== undefined) &&
    hasToken(row, seen)
  );
}

/** The attributes that a row gives to an existing item (`undefined`: none), and its least token. */
function wanted(row: ImportRow, note: ChangeNote) {
  const attributes: Record<string, unknown> = {
    ...statusOf(row),
    license_type: row.licenseType,
    email: row.email,
    license_expiration: row.expiresAtMs,
    ...(row.maxSessions !== undefined && { max_sessions: row.maxSessions }),
    ...(row.createdAtMs !== undefined && { created_at: row.createdAtMs }),
    ...("sessionTimeoutSeconds" in row && {
      session_timeout_seconds: row.sessionTimeoutSeconds,
    }),
  };
  const atLeast = { max_sessions: defaultMaxSessions, created_at: note.atMs, sessions: {} };
  return {
    attributes,
    ifMissing: Object.fromEntries(
      Object.entries(atLeast).filter(([name]) => !(name in attributes)),
    ),
  };
}

/** The token of a license that is created, or whose token is behind. */
function firstToken({ fencingToken }: ImportRow, nowMs: number): number {
  return fencingToken === undefined ? 0 : importedToken(fencingToken, nowMs);
}

function hasToken(row: ImportRow, seen: SeenItem): boolean {
  return typeof seen?.fencing_token === "number" && seen.fencing_token >= (row.fencingToken ?? 0);
}

/** A license that had been rekeyed when it was exported must not come back to life. */
function statusOf({ status, supersededBy }: ImportRow) {
  return supersededBy === undefined
    ? { status }
    : { status: "cancelled" as const, superseded_by: supersededBy, superseded_status: status };
}
