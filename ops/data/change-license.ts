import { randomUUID } from "node:crypto";
import type { ChangeNote } from "./change-note.ts";
import { assignment, type Change, noteChange, updateItem } from "./conditional-writes.ts";
import { getLicense, readItem } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

type Changeable = "status" | "license_type" | "email" | "license_expiration" | "max_sessions";

/** The new values of attributes; `undefined` removes one. */
export type Wanted = { [Name in Changeable]?: LicenseItem[Name] | undefined };

/**
 * Sets attributes, on the condition that none of them has changed since it was read. If two
 * operators extend the same license at once, one of them is refused and has to look again.
 */
export function attributeChange(seen: LicenseItem, wanted: Wanted): Change {
  const names = Object.keys(wanted) as Changeable[];
  const stored = names.filter((name) => seen[name] !== undefined);
  const { values, ...change } = assignment(wanted);
  return {
    ...change,
    conditions: names.map((name) =>
      stored.includes(name) ? `#${name} = :seen_${name}` : `attribute_not_exists(#${name})`,
    ),
    values: {
      ...values,
      ...Object.fromEntries(stored.map((name) => [`:seen_${name}`, seen[name]])),
    },
  };
}

/**
 * Applies the change in one conditional write: at most once, even if the SDK retries it after a
 * lost answer. Never creates a license, and never changes one that was rekeyed. The note replaces
 * that of the previous change.
 *
 * @returns the changed license, or `undefined` if it no longer is what was read
 */
export async function changeLicense(
  table: TableHandle,
  { license_id }: LicenseItem,
  change: Change,
  note: ChangeNote,
): Promise<LicenseItem | undefined> {
  const changeId = randomUUID();
  const isThere = {
    conditions: ["attribute_exists(license_id)", "attribute_not_exists(superseded_by)"],
  };
  const changes = [isThere, change, noteChange(note, changeId)];
  const item = await updateItem(table, license_id, changes);
  if (item) return readItem(item);
  const stored = await getLicense(table, license_id);
  // A stored change id means that the first attempt was applied and only its retry failed.
  return stored?.change_id === changeId ? stored : undefined;
}
