import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { fromEnv } from "@aws-sdk/credential-provider-env";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
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
export type UpdateResult =
  | { applied: true; license: License }
  | { applied: false; met: License | undefined };

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

export type TableOptions = {
  client: Pick<DynamoDBClient, "send" | "middlewareStack">;
  tableName: string;
  /**
   * Set for an engine that ignores `ReturnValuesOnConditionCheckFailure`, such as dynalite: the
   * item that refused an update is then read with one more call. DynamoDB itself returns it.
   */
  askForRefusedItem: boolean;
};

export function openTable({ client, tableName, askForRefusedItem }: TableOptions): SessionTable {
  sendNothingAfterAbort(client);

  async function get(licenseId: string, signal: AbortSignal): Promise<License | undefined> {
    const command = new GetItemCommand({
      TableName: tableName,
      Key: { license_id: { S: licenseId } },
      ConsistentRead: true,
    });
    const { Item } = await client.send(endedBy(signal, command));
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
      const { Attributes } = await client.send(endedBy(signal, command));
      return { applied: true, license: toLicense(Attributes) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      if (error.Item) return { applied: false, met: toLicense(error.Item) };
      return {
        applied: false,
        met: askForRefusedItem ? await get(change.licenseId, signal) : undefined,
      };
    }
  }

  return { get, update };
}

/** The signals of the calls under way, by the input of their commands. */
const signalOf = new WeakMap<object, AbortSignal>();

function endedBy<Command extends { input: object }>(
  signal: AbortSignal,
  command: Command,
): Command {
  signalOf.set(command.input, signal);
  return command;
}

/**
 * Makes the signal of a call end its attempts. The SDK's own way, `send(command, { abortSignal })`,
 * rules out `cacheMiddleware`; all that it does beyond this is to hang up on the attempt under way,
 * which the engine may have applied all the same, and which the time-outs end.
 */
function sendNothingAfterAbort({ middlewareStack }: TableOptions["client"]): void {
  middlewareStack.add(
    (next) => (attempt) => {
      signalOf.get(attempt.input)?.throwIfAborted();
      return next(attempt);
    },
    // The last step before an attempt is sent.
    { name: "sendNothingAfterAbort", step: "finalizeRequest", priority: "low", override: true },
  );
}

/**
 * The client of the functions. Its time-outs make a silent DynamoDB an error after 1 s and leave
 * room for the SDK's two further attempts within the time a request has (see `http.ts`).
 */
export function createClient(): DynamoDBClient {
  return new DynamoDBClient({
    // Where Lambda puts them; nowhere else is looked.
    credentials: fromEnv(),
    maxAttempts: 3,
    // Puts the steps of a call together once, not for each call: a tenth of its CPU time.
    cacheMiddleware: true,
    requestHandler: {
      connectionTimeout: 500,
      requestTimeout: 1_000,
      // Without it the SDK only warns.
      throwOnRequestTimeout: true,
    },
  });
}

/** Throws if the item is no license. */
function toLicense(item: Record<string, AttributeValue> = {}): License {
  return licenseSchema.parse(unmarshall(item));
}
