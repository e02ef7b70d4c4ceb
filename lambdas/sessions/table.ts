import { AsyncLocalStorage } from "node:async_hooks";
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { fromEnv } from "@aws-sdk/credential-provider-env";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
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
  /** Calls end at their signal if it is one of `createClient`. */
  client: Pick<DynamoDBClient, "send">;
  tableName: string;
  /**
   * Set for an engine that ignores `ReturnValuesOnConditionCheckFailure`, such as dynalite: the
   * item that refused an update is then read with one more call. DynamoDB itself returns it.
   */
  askForRefusedItem: boolean;
};

export function openTable({ client, tableName, askForRefusedItem }: TableOptions): SessionTable {
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
      if (error.Item) return { applied: false, met: toLicense(error.Item) };
      return {
        applied: false,
        met: askForRefusedItem ? await get(change.licenseId, signal) : undefined,
      };
    }
  }

  return { get, update };
}

/** The signal of the call that is under way. */
const callSignal = new AsyncLocalStorage<AbortSignal>();

/**
 * Ends each attempt of a call at the signal of the call. The SDK's own way, `send(command,
 * { abortSignal })`, hands the signal down just so, but rules out `cacheMiddleware`.
 */
class AbortingHandler extends NodeHttpHandler {
  override handle(...[request, options]: Parameters<NodeHttpHandler["handle"]>) {
    const abortSignal = callSignal.getStore();
    return super.handle(request, abortSignal ? { ...options, abortSignal } : options);
  }
}

/**
 * The client of the functions. Its time-outs make a silent DynamoDB an error after 1 s and leave
 * room for the SDK's two further attempts within the time a request has (see `http.ts`).
 */
export function createClient(): DynamoDBClient {
  const client = new DynamoDBClient({
    // Where Lambda puts them; nowhere else is looked.
    credentials: fromEnv(),
    maxAttempts: 3,
    // Puts the steps of a call together once, not for each call.
    cacheMiddleware: true,
    requestHandler: new AbortingHandler({
      connectionTimeout: 500,
      requestTimeout: 1_000,
      // Without it the SDK only warns.
      throwOnRequestTimeout: true,
    }),
  });
  signWithOneSigner(client);
  return client;
}

/**
 * The SDK makes a signer for each call, of a copy of its whole configuration. What may change, the
 * date and the credentials, a signer asks for at each signature.
 */
function signWithOneSigner({ config }: DynamoDBClient): void {
  const makeSigner = config.signer;
  let signer: Awaited<ReturnType<typeof makeSigner>> | undefined;
  config.signer = async (authScheme) => {
    signer ??= await makeSigner(authScheme);
    return signer;
  };
}

/** Throws if the item is no license. */
function toLicense(item: Record<string, AttributeValue> = {}): License {
  return licenseSchema.parse(unmarshall(item));
}
