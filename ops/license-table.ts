import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { localClientConfig } from "../local/local-client-config.ts";
import { engineEndpoint, type Variables } from "../local/settings.ts";
import { StartProblem } from "../local/start-problem.ts";
import { Refusal } from "./refusal.ts";

export type LicenseTable = { client: DynamoDBDocumentClient; tableName: string };

/** What `npm start` calls the table: its logical id in the stack. */
export const localTableName = "Sessions";

/**
 * Works on the table of that name on AWS or, without a name, on the one of `npm start`, found by
 * the same variables as there. What goes wrong with the connection becomes a `Refusal` that says
 * what to do.
 */
export async function withTable<Result>(
  awsTableName: string | undefined,
  variables: Variables,
  work: (table: LicenseTable) => Promise<Result>,
): Promise<Result> {
  const endpoint = awsTableName === undefined ? endpointFrom(variables) : undefined;
  const tableName = awsTableName ?? localTableName;
  const client = new DynamoDBClient(endpoint === undefined ? {} : localClientConfig(endpoint));
  try {
    return await work({ client: DynamoDBDocumentClient.from(client), tableName });
  } catch (error) {
    throw explained(error, tableName, endpoint) ?? error;
  } finally {
    client.destroy();
  }
}

function endpointFrom(variables: Variables): string {
  try {
    return engineEndpoint(variables);
  } catch (error) {
    if (error instanceof StartProblem) throw new Refusal(error.message);
    throw error;
  }
}

function explained(error: unknown, tableName: string, endpoint: string | undefined) {
  if (!(error instanceof Error)) return undefined;
  if ("code" in error && error.code === "ECONNREFUSED") {
    return new Refusal(
      `There is no database at ${endpoint}. Start it with "npm start", or say where it is with ` +
        "DYNAMODB_PORT or DYNAMODB_ENDPOINT; --table NAME works on AWS.",
    );
  }
  if (error.name === "ResourceNotFoundException") {
    return new Refusal(
      endpoint === undefined
        ? `There is no table ${tableName} in this account and Region; the stack's output TableName is its name.`
        : `There is no table ${tableName} at ${endpoint}; "npm start" creates it.`,
    );
  }
  if (endpoint === undefined && "$metadata" in error) {
    return new Refusal(`AWS refused: ${error.name}: ${error.message}`);
  }
  if (endpoint === undefined && /Credentials|Region/i.test(`${error.name} ${error.message}`)) {
    return new Refusal(`No access to AWS: ${error.message}`);
  }
  return undefined;
}
