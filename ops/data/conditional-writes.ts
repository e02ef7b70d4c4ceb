import { randomUUID } from "node:crypto";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

/** Parts of one `UpdateItem`. */
export type Change = {
  set?: readonly string[];
  remove?: readonly string[];
  /** The conditions of the change, all of which hold for the item that was read. */
  conditions?: readonly string[];
  names?: Record<string, string>;
  values?: Record<string, unknown>;
};

/** Sets attributes, using aliases for their names; `undefined` removes one. */
export function assignment(attributes: Record<string, unknown>): Change {
  const names = Object.keys(attributes);
  const given = names.filter((name) => attributes[name] !== undefined);
  return {
    set: given.map((name) => `#${name} = :${name}`),
    remove: names.filter((name) => !given.includes(name)).map((name) => `#${name}`),
    names: Object.fromEntries(names.map((name) => [`#${name}`, name])),
    values: Object.fromEntries(given.map((name) => [`:${name}`, attributes[name]])),
  };
}

/** Replaces the note of the previous change. */
export function noteChange(note: ChangeNote, changeId: string = randomUUID()): Change {
  const { reason: change_reason } = note;
  return assignment({ ...noteAttributes(note), change_reason, change_id: changeId });
}

/**
 * Applies several changes in one conditional write.
 *
 * @returns the updated item, or `undefined` if a condition failed
 */
export async function updateItem(
  { client, tableName }: TableHandle,
  licenseId: string,
  changes: readonly Change[],
): Promise<Record<string, unknown> | undefined> {
  const all = <Part>(part: (change: Change) => readonly Part[] | undefined) =>
    changes.flatMap((change) => part(change) ?? []);
  const removes = all(({ remove }) => remove).join(", ");
  const output = await unlessRefused(
    client.send(
      new UpdateCommand({
        TableName: tableName,
        Key: { license_id: licenseId },
        UpdateExpression: `SET ${all(({ set }) => set).join(", ")}${removes && ` REMOVE ${removes}`}`,
        ConditionExpression: all(({ conditions }) => conditions).join(" AND "),
        ExpressionAttributeNames: Object.assign({}, ...changes.map(({ names }) => names)),
        ExpressionAttributeValues: Object.assign({}, ...changes.map(({ values }) => values)),
        ReturnValues: "ALL_NEW",
      }),
    ),
  );
  return output?.Attributes;
}

/** @returns whether it was written, which requires that no item has this id */
export async function putIfNew(
  { client, tableName }: TableHandle,
  item: LicenseItem,
): Promise<boolean> {
  const put = new PutCommand({
    TableName: tableName,
    Item: item,
    ConditionExpression: "attribute_not_exists(license_id)",
  });
  return (await unlessRefused(client.send(put))) !== undefined;
}

/** @returns `undefined` if the condition of the write failed */
export async function unlessRefused<Output>(write: Promise<Output>): Promise<Output | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
