import { randomUUID } from "node:crypto";
import type { ChangeNote } from "./change-note.ts";
import { assignment, type Change, noteChange, updateItem } from "./conditional-writes.ts";
import { getLicense, readItem } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

type Changeable = "status" | "license_type" | "email" | "license_expiration" | "max_sessions";

/** What attributes are to become; `undefined` removes. */
export type Wanted = { [Name in Changeable]?: LicenseItem[Name] | undefined };

/**
 * Sets attributes, on the condition that each of them is still what was seen. This closes the race
 * of two operators: of two who extend the same license at once, one is refused and has to look again.
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
 * Makes the change in one conditional write: once or not at all, also when the SDK sends it again
 * because an answer was lost. It never makes a license, and never touches one that was rekeyed. The
 * note takes the place of that of the change before.
 *
 * @returns the license after it, or `undefined` if the license is not what was seen any more
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
  // Refused by its own earlier attempt: the SDK's first one was applied, and its answer was lost.
  return stored?.change_id === changeId ? stored : undefined;
}
