import type { ChangeNote } from "./change-note.ts";
import { assignment, type Change, noteChange, updateItem } from "./conditional-writes.ts";
import { readItem } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

type Changeable =
  | "status"
  | "license_type"
  | "email"
  | "license_expiration"
  | "max_sessions"
  | "session_timeout_seconds";

/** The new values of attributes; `undefined` removes one. */
export type Wanted = { [Name in Changeable]?: LicenseItem[Name] | undefined };

/** The license as it is once the attributes are set. */
export function withWanted(seen: LicenseItem, wanted: Wanted): LicenseItem {
  const { status = seen.status, license_type = seen.license_type, ...others } = wanted;
  const { max_sessions = seen.max_sessions, ...optional } = others;
  const { email, license_expiration, session_timeout_seconds, ...kept } = seen;
  const stored = { email, license_expiration, session_timeout_seconds, ...optional };
  const given = Object.entries(stored).filter(([, value]) => value !== undefined);
  return { ...kept, status, license_type, max_sessions, ...Object.fromEntries(given) };
}

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
  seen: LicenseItem,
  change: Change,
  note: ChangeNote,
): Promise<LicenseItem | undefined> {
  const isThere = {
    conditions: ["attribute_exists(license_id)", "attribute_not_exists(superseded_by)"],
  };
  // The token is also the version of the item: a claim between its two writes must notice this one.
  const raised = {
    set: ["fencing_token = if_not_exists(fencing_token, :no_token) + :one"],
    values: { ":no_token": 0, ":one": 1 },
  };
  const changes = [isThere, change, raised, operationChange(seen, note), noteChange(note)];
  const item = await updateItem(table, seen.license_id, changes);
  return item && readItem(item);
}

/** How many operations an item remembers, so that it does not grow. */
const operationsKept = 3;

/** Remembers the operation, so that the same one leaves the license alone when it is repeated. */
function operationChange({ operations = [] }: LicenseItem, { operation }: ChangeNote): Change {
  return operation === undefined
    ? {}
    : assignment({ operations: [...operations, operation].slice(-operationsKept) });
}
