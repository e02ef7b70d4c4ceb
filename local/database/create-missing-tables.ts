import {
  CreateTableCommand,
  type DynamoDBClient,
  ResourceInUseException,
  waitUntilTableExists,
} from "@aws-sdk/client-dynamodb";
import type { TableSpec } from "../template/interpret-template.ts";

/** Creates the tables that are missing, and returns when all of them can be used. */
export async function createMissingTables(
  client: DynamoDBClient,
  tables: readonly TableSpec[],
): Promise<void> {
  for (const { tableName, ...definition } of tables) {
    try {
      await client.send(new CreateTableCommand({ TableName: tableName, ...definition }));
    } catch (error) {
      if (!(error instanceof ResourceInUseException)) throw error;
    }
    await waitUntilTableExists(
      { client, minDelay: 0.05, maxDelay: 0.5, maxWaitTime: 10 },
      { TableName: tableName },
    );
  }
}
