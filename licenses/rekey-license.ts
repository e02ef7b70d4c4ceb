import { licenseIdOf } from "../lambdas/license-key.ts";
import { deviceOf, freeAtMs } from "../lambdas/sessions/session.ts";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import { type Change, noteChange, putIfNew, updateItem } from "./conditional-writes.ts";
import { getLicense, readItem } from "./get-license.ts";
import { isPlaceholder, type LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

export type RekeyOutcome =
  | { code: "rekeyed" }
  /** The license had its new key already, and somebody has seen it. */
  | { code: "rekeyed_before"; newLicenseId: string }
  /** Another run of the same command finished first: its key is the one that works. */
  | { code: "overtaken" }
  /** It only stands in the place that an interrupted run would have used. */
  | { code: "placeholder"; licenseId: string };

/**
 * Moves a license to a new key: two items, the old and the new, and a conditional write on each.
 *
 *       | old item                          | new item | works
 *   ----|-----------------------------------|----------|------
 *    0  | as it was                         | -        | old
 *    1  | cancelled, superseded_by: new id  | -        | none
 *    2  |                                   | active   | new
 *
 * So at no moment do two keys work, and no key is ever stored. Sessions end with the key that they
 * were claimed by: their bots learn at the next heartbeat that the license is over. Until their
 * leases are, they may believe that they hold; so the new item keeps each symbol for the device that
 * held it. `fencing_token` goes on from where it was.
 *
 * Run again after step 1, nobody has the key of that run. This run first puts an item in the place
 * of that run's new license, a cancelled one that points back: were that run only slow, its step 2
 * would be refused. Then it goes on with a key of its own.
 *
 * @param announce called between the two steps, with the license as it will be: so a key that works
 *   has been shown. If it throws, step 2 is left to the next run
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
  const license = renewed(old, newId);
  await announce(license);
  return { code: (await putNew(table, license)) ? "rekeyed" : "overtaken" };
}

/** Step 1: the old key ends. Refused if another run was quicker. */
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
  const pointer = { set: ["superseded_by = :new"], values: { ":new": newId } };
  const noted = noteChange({ ...note, reason: note.reason ?? "rekeyed" });
  const item = await updateItem(table, oldId, [pointer, end, noted]);
  if (item) return readItem(item);
  const stored = await getLicense(table, oldId);
  // Refused by its own earlier attempt: the SDK's first one was applied, and its answer was lost.
  return stored?.superseded_by === newId ? stored : undefined;
}

/** Step 2: the new key begins. Refused if another run has taken over and abandoned this one. */
async function putNew(table: TableHandle, license: LicenseItem): Promise<boolean> {
  if (await putIfNew(table, license)) return true;
  const stored = await getLicense(table, license.license_id);
  return stored !== undefined && !isPlaceholder(stored);
}

/** Makes step 2 of the earlier run impossible. False: it is done already. */
async function abandon(
  table: TableHandle,
  old: LicenseItem,
  earlierId: string,
  note: ChangeNote,
): Promise<boolean> {
  const placeholder: LicenseItem = {
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

/** The license under its new id: all that was sold, and entries without holder for its sessions. */
function renewed(old: LicenseItem, newId: string): LicenseItem {
  const { superseded_by, superseded_status, change_id, ...sold } = old;
  return {
    ...sold,
    license_id: newId,
    status: superseded_status ?? old.status,
    sessions: Object.fromEntries(
      Object.entries(old.sessions).flatMap(([symbol, entry]) => {
        const device = deviceOf(entry);
        if (device === undefined) return [];
        return [[symbol, { vacated_by: device, lapses_at: freeAtMs(entry) }]];
      }),
    ),
  };
}
