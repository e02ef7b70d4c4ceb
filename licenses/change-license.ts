import { randomUUID } from "node:crypto";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import { getLicense, readItem } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

/** The parts of one `UpdateItem` on the license that was seen. */
export type Change = {
  set: readonly string[];
  remove: readonly string[];
  /** What it rests on: all of it holds for the license that was seen. */
  conditions: readonly string[];
  names: Record<string, string>;
  values: Record<string, unknown>;
};

type Changeable = "status" | "license_type" | "email" | "license_expiration" | "max_sessions";

/** What attributes are to become; `undefined` removes. */
export type Wanted = { [Name in Changeable]?: LicenseItem[Name] | undefined };

/**
 * Sets attributes, on the condition that each of them is still what was seen. This closes the race
 * of two operators: of two who extend the same license at once, one is refused and has to look again.
 */
export function attributeChange(seen: LicenseItem, wanted: Wanted): Change {
  const names = Object.keys(wanted) as Changeable[];
  const given = names.filter((name) => wanted[name] !== undefined);
  const removed = names.filter((name) => wanted[name] === undefined);
  const unchanged = (name: Changeable) =>
    seen[name] === undefined ? `attribute_not_exists(#${name})` : `#${name} = :seen_${name}`;
  return {
    set: given.map((name) => `#${name} = :${name}`),
    remove: removed.map((name) => `#${name}`),
    conditions: names.map(unchanged),
    names: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    values: {
      ...Object.fromEntries(given.map((name) => [`:${name}`, wanted[name]])),
      ...Object.fromEntries(
        names
          .filter((name) => seen[name] !== undefined)
          .map((name) => [`:seen_${name}`, seen[name]]),
      ),
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
  seen: LicenseItem,
  { set, remove, conditions, names, values }: Change,
  note: ChangeNote,
): Promise<LicenseItem | undefined> {
  const changeId = randomUUID();
  const exists = "attribute_exists(license_id)";
  const notRekeyed = "attribute_not_exists(superseded_by)";
  const noted = noteAttributes(note);
  const sets = [
    ...set,
    "change_id = :change_id",
    ...Object.keys(noted).map((name) => `${name} = :${name}`),
  ].join(", ");
  const removed = [...remove, ...(note.reason === undefined ? ["change_reason"] : [])];
  const removes = removed.length > 0 ? ` REMOVE ${removed.join(", ")}` : "";
  try {
    const { Attributes } = await table.client.send(
      new UpdateCommand({
        TableName: table.tableName,
        Key: { license_id: seen.license_id },
        UpdateExpression: `SET ${sets}${removes}`,
        ConditionExpression: [exists, notRekeyed, ...conditions].join(" AND "),
        ...(Object.keys(names).length > 0 && { ExpressionAttributeNames: names }),
        ExpressionAttributeValues: {
          ...values,
          ...Object.fromEntries(Object.entries(noted).map(([name, value]) => [`:${name}`, value])),
          ":change_id": changeId,
        },
        ReturnValues: "ALL_NEW",
      }),
    );
    return readItem(Attributes ?? {});
  } catch (error) {
    if (!(error instanceof ConditionalCheckFailedException)) throw error;
    const stored = await getLicense(table, seen.license_id);
    // Refused by its own earlier attempt: the SDK's first one was applied, and its answer was lost.
    return stored?.change_id === changeId ? stored : undefined;
  }
}
