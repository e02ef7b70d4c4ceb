import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { type License, licenseSchema } from "../rules/license.ts";
import { callSignal } from "./dynamodb-client.ts";

/** One `UpdateItem` on the item of a license. */
export type ConditionalUpdate = {
  licenseId: string;
  update: string;
  condition: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
};

/**
 * The outcome of a conditional update: the updated item, or the item whose state failed the
 * condition (`undefined` if there is no such license).
 */
type UpdateResult =
  | { applied: true; license: License }
  | { applied: false; refusedBy: License | undefined };

/**
 * The table of licenses. A failed condition is a result; every other SDK error is thrown unchanged.
 * Once `signal` has aborted, nothing more is sent, not even a retry by the SDK.
 */
export type SessionTable = {
  /** One strongly consistent `GetItem`. */
  get(licenseId: string, signal: AbortSignal): Promise<License | undefined>;
  /** One `UpdateItem`, decided by its condition. */
  update(update: ConditionalUpdate, signal: AbortSignal): Promise<UpdateResult>;
};

export type SessionTableOptions = {
  /** Only a client from `dynamodb-client.ts` aborts calls by their signal. */
  client: Pick<DynamoDBClient, "send">;
  tableName: string;
  /**
   * Set for an engine that ignores `ReturnValuesOnConditionCheckFailure`, such as dynalite. The
   * item that failed the condition is then read by one more call; DynamoDB itself returns it.
   */
  askForRefusedItem: boolean;
};

export function openTable({
  client,
  tableName,
  askForRefusedItem,
}: SessionTableOptions): SessionTable {
  async function get(licenseId: string, signal: AbortSignal): Promise<License | undefined> {
    const command = new GetItemCommand({
      TableName: tableName,
      Key: { license_id: { S: licenseId } },
      ConsistentRead: true,
    });
    const { Item } = await callSignal.run(signal, () => client.send(command));
    return Item && toLicense(Item);
  }

  async function update(change: ConditionalUpdate, signal: AbortSignal): Promise<UpdateResult> {
    const command = new UpdateItemCommand({
      TableName: tableName,
      Key: { license_id: { S: change.licenseId } },
      UpdateExpression: change.update,
      ConditionExpression: change.condition,
      ExpressionAttributeNames: change.names,
      ExpressionAttributeValues: marshall(change.values),
      ReturnValues: "ALL_NEW",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    });
    try {
      const { Attributes } = await callSignal.run(signal, () => client.send(command));
      return { applied: true, license: toLicense(Attributes) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      if (error.Item) return { applied: false, refusedBy: toLicense(error.Item) };
      return {
        applied: false,
        refusedBy: askForRefusedItem ? await get(change.licenseId, signal) : undefined,
      };
    }
  }

  return { get, update };
}

/** Throws if the item is not a license. Rounds numbers that JavaScript can't represent. */
function toLicense(item: Record<string, AttributeValue> = {}): License {
  return licenseSchema.parse(unmarshall(item, { wrapNumbers: Number }));
}
