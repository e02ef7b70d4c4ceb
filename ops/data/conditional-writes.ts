import { randomUUID } from "node:crypto";
import { ConditionalCheckFailedException } from "@aws-sdk/client-dynamodb";
import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { type ChangeNote, noteAttributes } from "./change-note.ts";
import { getItem } from "./get-license.ts";
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
export function noteChange(note: ChangeNote): Change {
  const { reason: change_reason } = note;
  return assignment({ ...noteAttributes(note), change_reason });
}

/**
 * Applies several changes in one conditional write: at most once, even if the SDK repeats it after a
 * lost answer. Every write has a `change_id` of its own; if a refused write finds it stored, its
 * first attempt was applied.
 *
 * @returns the updated item, or `undefined` if a condition failed
 */
export async function updateItem(
  table: TableHandle,
  licenseId: string,
  parts: readonly Change[],
): Promise<Record<string, unknown> | undefined> {
  const { client, tableName } = table;
  const changeId = randomUUID();
  const changes = [...parts, assignment({ change_id: changeId })];
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
  return output?.Attributes ?? itemOfChange(table, licenseId, changeId);
}

/**
 * Puts a new item, once, as `updateItem` makes a change.
 *
 * @returns the item as it is stored, or `undefined` if another has this id
 */
export async function putIfNew<Item extends { license_id: string }>(
  table: TableHandle,
  item: Item,
): Promise<Item | undefined> {
  const changeId = randomUUID();
  const stored = { ...item, change_id: changeId };
  const put = new PutCommand({
    TableName: table.tableName,
    Item: stored,
    ConditionExpression: "attribute_not_exists(license_id)",
  });
  const isPut =
    (await unlessRefused(table.client.send(put))) ??
    (await itemOfChange(table, item.license_id, changeId));
  return isPut ? stored : undefined;
}

/** The item, if it is as this change has left it. */
async function itemOfChange(
  table: TableHandle,
  licenseId: string,
  changeId: string,
): Promise<Record<string, unknown> | undefined> {
  const item = await getItem(table, licenseId);
  return item?.change_id === changeId ? item : undefined;
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
