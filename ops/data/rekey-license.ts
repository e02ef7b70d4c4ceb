import { vacancyAfter } from "../../lambdas/rules/end.ts";
import {
  freeAtMs,
  type ResolvedEntry,
  type Stored,
  type Vacancy,
} from "../../lambdas/rules/entry.ts";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import { type Change, noteChange, putIfNew, updateItem } from "./conditional-writes.ts";
import { getLicense, readItem } from "./get-license.ts";
import { entriesOf, isPlaceholder, type LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

export type RekeyOutcome =
  | { code: "rekeyed" }
  /** An earlier run had already completed the rekey and shown the new key. */
  | { code: "rekeyed_before"; newLicenseId: string }
  /** Another run of the same command finished first, so only its key works. */
  | { code: "overtaken" }
  /** The item is a placeholder for the license that an interrupted run would have created. */
  | { code: "placeholder"; licenseId: string };

/**
 * Moves a license to a new key, by one conditional write on the old item and one on the new item.
 *
 *       | old item                          | new item | works
 *   ----|-----------------------------------|----------|------
 *    0  | as it was                         | -        | old
 *    1  | cancelled, superseded_by: new id  | -        | none
 *    2  |                                   | active   | new
 *
 * Two keys never work at the same time, and no key is ever stored. Sessions end with the key that
 * they were claimed with: at the next heartbeat their bots are told that the license has ended.
 * Until their leases are over, they may believe that they hold the sessions. The new item therefore
 * keeps each symbol for the device that held it, and an unreadable entry closed to everybody.
 * `fencing_token` continues from its old value.
 *
 * If a run was interrupted after step 1, its new key is lost. The next run first puts a cancelled
 * item, which points back, in the place of that run's new license. If that run was only slow, its
 * step 2 then fails. The next run then continues with a key of its own.
 *
 * @param announce called between the two steps with the future license, so that the new key is
 *   always shown before it works. If it throws, step 2 is left to the next run
 */
export async function rekeyLicense(
  table: TableHandle,
  oldId: string,
  newKey: string,
  note: ChangeNote,
  announce: (license: LicenseItem) => Promise<void>,
): Promise<RekeyOutcome> {
  const newId = licenseIdOf(newKey);
  const seen = await getLicense(table, oldId);
  const earlierId = seen?.superseded_by;
  if (seen && isPlaceholder(seen)) return { code: "placeholder", licenseId: seen.superseded_by };
  if (seen && earlierId !== undefined && !(await abandon(table, seen, earlierId, note))) {
    return { code: "rekeyed_before", newLicenseId: earlierId };
  }
  const old = await supersede(table, oldId, earlierId, newId, note);
  if (!old) return { code: "overtaken" };
  const item = renewed(old, newId);
  await announce(readItem(item));
  return { code: (await putNew(table, item)) ? "rekeyed" : "overtaken" };
}

/** Step 1: disables the old key. Fails if another run was faster. */
async function supersede(
  table: TableHandle,
  oldId: string,
  earlierId: string | undefined,
  newId: string,
  note: ChangeNote,
): Promise<LicenseItem | undefined> {
  const end: Change =
    earlierId === undefined
      ? {
          set: ["superseded_status = #status", "#status = :cancelled"],
          conditions: ["attribute_exists(license_id)", "attribute_not_exists(superseded_by)"],
          names: { "#status": "status" },
          values: { ":cancelled": "cancelled" },
        }
      : { conditions: ["superseded_by = :earlier"], values: { ":earlier": earlierId } };
  const pointer = {
    set: ["superseded_by = :new", "fencing_token = if_not_exists(fencing_token, :zero) + :one"],
    values: { ":new": newId, ":zero": 0, ":one": 1 },
  };
  const noted = noteChange({ ...note, reason: note.reason ?? "rekeyed" });
  const item = await updateItem(table, oldId, [pointer, end, noted]);
  if (item) return readItem(item);
  const stored = await getLicense(table, oldId);
  // The SDK's first attempt may have been applied and its answer lost, so that the retry failed.
  return stored?.superseded_by === newId ? stored : undefined;
}

/** Step 2: enables the new key. Fails if another run has taken over and abandoned this one. */
async function putNew(table: TableHandle, item: ReturnType<typeof renewed>): Promise<boolean> {
  if (await putIfNew(table, item)) return true;
  const stored = await getLicense(table, item.license_id);
  return stored !== undefined && !isPlaceholder(stored);
}

/** Makes step 2 of the earlier run impossible. Returns false if that step is already done. */
async function abandon(
  table: TableHandle,
  old: LicenseItem,
  earlierId: string,
  note: ChangeNote,
): Promise<boolean> {
  const placeholder = {
    license_id: earlierId,
    status: "cancelled",
    license_type: old.license_type,
    created_at: note.atMs,
    ...noteAttributes(note),
    max_sessions: old.max_sessions,
    fencing_token: old.fencing_token,
    sessions: {},
    superseded_by: old.license_id,
  };
  if (await putIfNew(table, placeholder)) return true;
  const stored = await getLicense(table, earlierId);
  return stored !== undefined && isPlaceholder(stored);
}

/**
 * The license under its new id: all that was sold, its seats in use, and its sessions without holder.
 * An old `session_id` must not work under the new key.
 */
function renewed(old: LicenseItem, newId: string) {
  const { superseded_by, superseded_status, change_id, ...sold } = old;
  return {
    ...sold,
    license_id: newId,
    supersedes: old.license_id,
    status: superseded_status ?? old.status,
    sessions: Object.fromEntries(
      entriesOf(old).map(([symbol, entry]) => [symbol, keptPlace(entry)]),
    ),
    portfolios: {},
  };
}

function keptPlace(entry: ResolvedEntry): Stored<Vacancy> | Record<string, never> {
  switch (entry.kind) {
    case "session":
      return vacancyAfter(entry, freeAtMs(entry));
    case "vacancy": {
      const { kind, ...stored } = entry;
      return stored;
    }
    case "unreadable":
      // Nobody can tell until when a bot may believe that it holds: only `end-session` frees it.
      return {};
  }
}
