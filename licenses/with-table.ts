import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { CommandError } from "../engine/command-error.ts";
import { localClientConfig } from "../engine/local-client-config.ts";
import { engineEndpoint, sessionTimeoutSeconds, type Variables } from "../engine/variables.ts";
import { readStackOutputs } from "./stack-outputs.ts";
import { localTableName, type TableHandle } from "./table-handle.ts";

/** A table with the time-out by which its sessions are judged. */
export type OpenTable = TableHandle & { sessionTimeoutMs: number };

/** On AWS, by the stack or by itself; without either, the table of `npm start`. */
export type TableChoice = { stackName?: string | undefined; tableName?: string | undefined };

/**
 * Works on the named table. The one of `npm start` is found by the same variables as there. The
 * time-out comes from the stack's outputs or else from SESSION_TIMEOUT_SECONDS. What goes wrong
 * with the connection becomes a `CommandError` that says what to do.
 */
export async function withTable<Result>(
  named: TableChoice,
  variables: Variables,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  const local = named.stackName === undefined && named.tableName === undefined;
  const endpoint = local ? engineEndpoint(variables) : undefined;
  const { tableName, timeoutSeconds } =
    named.stackName === undefined
      ? {
          tableName: named.tableName ?? localTableName,
          timeoutSeconds: sessionTimeoutSeconds(variables),
        }
      : await explainingWith({ tableName: undefined, endpoint }, readStackOutputs(named.stackName));
  const client = new DynamoDBClient({
    ...(endpoint !== undefined && localClientConfig(endpoint)),
    // After a throttle all writers together go on as fast as they are let.
    retryMode: "adaptive",
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: 15_000,
      throwOnRequestTimeout: true,
    },
  });
  try {
    const table = {
      client: DynamoDBDocumentClient.from(client),
      tableName,
      sessionTimeoutMs: timeoutSeconds * 1000,
    };
    return await explainingWith({ tableName, endpoint }, work(table));
  } finally {
    client.destroy();
  }
}

type Place = { tableName: string | undefined; endpoint: string | undefined };

async function explainingWith<Result>(place: Place, work: Promise<Result>): Promise<Result> {
  try {
    return await work;
  } catch (error) {
    throw explained(error, place) ?? error;
  }
}

function explained(error: unknown, { tableName, endpoint }: Place) {
  if (!(error instanceof Error) || error instanceof CommandError) return undefined;
  if (endpoint !== undefined && "code" in error && error.code === "ECONNREFUSED") {
    return new CommandError(
      `There is no database at ${endpoint}. Start it with "npm start", or say where it is with ` +
        "DYNAMODB_PORT or DYNAMODB_ENDPOINT; --stack NAME or --table NAME works on AWS.",
    );
  }
  if (error.name === "TimeoutError") {
    return new CommandError(
      `${endpoint ?? "AWS"} did not answer in time; look at what became of it before going on.`,
    );
  }
  if (error.name === "ResourceNotFoundException") {
    return new CommandError(
      endpoint === undefined
        ? `There is no table ${tableName} in this account and Region; the stack's output TableName is its name.`
        : `There is no table ${tableName} at ${endpoint}; "npm start" creates it.`,
    );
  }
  if (endpoint === undefined && "$metadata" in error) {
    return new CommandError(`AWS refused: ${error.name}: ${error.message}`);
  }
  if (endpoint === undefined && /Credentials|Region/i.test(`${error.name} ${error.message}`)) {
    return new CommandError(`No access to AWS: ${error.message}`);
  }
  if (endpoint !== undefined && "code" in error && typeof error.code === "string") {
    return error.code === "EPIPE"
      ? undefined
      : new CommandError(
          `The database at ${endpoint} broke off (${error.code}); look before going on.`,
        );
  }
  return undefined;
}
