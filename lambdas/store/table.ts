import {
  type AttributeValue,
  ConditionalCheckFailedException,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { licenseSchema } from "../rules/license.ts";
import type { Database, Seen } from "../rules/rule-run.ts";
import type { TableClient } from "./dynamodb-client.ts";
import { applyChange, writeExpression } from "./write-expression.ts";

/**
 * The table of licenses. A failed condition is a result; every other error of the SDK is thrown
 * unchanged.
 */
export type SessionTable = {
  /**
   * For one request. Once `signal` has aborted, nothing more is sent, not even a retry by the SDK.
   *
   * @param nowMs the time of the request, epoch milliseconds
   */
  forRequest(request: { signal: AbortSignal; nowMs: number }): Database;
};

type SessionTableOptions = { client: TableClient; tableName: string };

export function openTable({ client, tableName }: SessionTableOptions): SessionTable {
  return {
    forRequest: ({ signal, nowMs: requestMs }) => ({
      async get(licenseId) {
        const command = new GetItemCommand({
          TableName: tableName,
          Key: { license_id: { S: licenseId } },
          ConsistentRead: true,
        });
        const { Item } = await client.send(command, { abortSignal: signal, requestMs });
        return Item && seenItem(unmarshalled(Item));
      },
      async update(licenseId, condition, change, { withinMs } = {}) {
        const { set, remove, ...expression } = writeExpression(condition, change);
        const command = new UpdateItemCommand({
          TableName: tableName,
          Key: { license_id: { S: licenseId } },
          UpdateExpression: [set && `SET ${set}`, remove && `REMOVE ${remove}`].join(" ").trim(),
          ConditionExpression: expression.condition,
          ExpressionAttributeNames: expression.names,
          ExpressionAttributeValues: marshall(expression.values),
          // What a claim replaced is known only from the item as it was.
          ReturnValues: "ALL_OLD",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        });
        const within =
          withinMs === undefined
            ? signal
            : AbortSignal.any([signal, AbortSignal.timeout(withinMs)]);
        try {
          const { Attributes = {} } = await client.send(command, {
            abortSignal: within,
            requestMs,
          });
          const before = unmarshalled(Attributes);
          return {
            applied: true,
            before: seenItem(before),
            after: seenItem(applyChange(before, change)),
          };
        } catch (error) {
          if (!(error instanceof ConditionalCheckFailedException)) throw error;
          return { applied: false, seen: error.Item && seenItem(unmarshalled(error.Item)) };
        }
      },
    }),
  };
}

/** Rounds numbers that JavaScript can't represent. */
function unmarshalled(item: Record<string, AttributeValue>): Record<string, unknown> {
  return unmarshall(item, { wrapNumbers: Number });
}

/** The license is parsed when it is first asked for, and throws then if the item is none. */
function seenItem(stored: Record<string, unknown>): Seen {
  let license: Seen["license"] | undefined;
  return {
    stored,
    get license() {
      license ??= licenseSchema.parse(stored);
      return license;
    },
  };
}
