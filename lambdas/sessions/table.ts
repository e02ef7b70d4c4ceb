import {
  type AttributeValue,
  ConditionalCheckFailedException,
  type DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { callSignal } from "./dynamodb-client.ts";
import { type License, licenseSchema } from "./license.ts";

/** One `UpdateItem` on the item of a license. */
export type ConditionalUpdate = {
  licenseId: string;
  update: string;
  condition: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
};

/**
 * What became of a conditional update: the item as it is now, or the item that refused it
 * (`undefined`: there is no such license).
 */
type UpdateResult =
  | { applied: true; license: License }
  | { applied: false; refusedBy: License | undefined };

/**
 * The table of licenses. Anything but a refused condition is thrown, the SDK's errors as they are.
 * Once `signal` has aborted, nothing more is sent: neither a call nor the SDK's next attempt at one.
 */
export type SessionTable = {
  /** One strongly consistent `GetItem`. */
  get(licenseId: string, signal: AbortSignal): Promise<License | undefined>;
  /** One `UpdateItem`, decided by its condition. */
  update(update: ConditionalUpdate, signal: AbortSignal): Promise<UpdateResult>;
};

export type SessionTableOptions = {
  /** Calls end at their signal if it is one of `dynamodb-client.ts`. */
  client: Pick<DynamoDBClient, "send">;
  tableName: string;
  /**
   * Set for an engine that ignores `ReturnValuesOnConditionCheckFailure`, such as dynalite: the
   * item that refused an update is then read with one more call. DynamoDB itself returns it.
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

/** Throws if the item is no license. A number that JavaScript can't hold is rounded. */
function toLicense(item: Record<string, AttributeValue> = {}): License {
  return licenseSchema.parse(unmarshall(item, { wrapNumbers: Number }));
}
