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
  /** What it rests on: all of it holds for the item that was seen. */
  conditions?: readonly string[];
  names?: Record<string, string>;
  values?: Record<string, unknown>;
};

/** Sets attributes, under aliases of their own names; `undefined` removes. */
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

/** The note of a change, in the place of that of the change before. */
export function noteChange(note: ChangeNote, changeId: string = randomUUID()): Change {
  const { reason: change_reason } = note;
  return assignment({ ...noteAttributes(note), change_reason, change_id: changeId });
}

/**
 * Makes changes together in one conditional write.
 *
 * @returns the item after it, or `undefined` if a condition did not hold
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

/** @returns whether it was written: no item had this id */
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

/** @returns `undefined` if the condition of the write did not hold */
export async function unlessRefused<Output>(write: Promise<Output>): Promise<Output | undefined> {
  try {
    return await write;
  } catch (error) {
    if (error instanceof ConditionalCheckFailedException) return undefined;
    throw error;
  }
}
