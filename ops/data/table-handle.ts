import type { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";

/** The table of licenses, as the tools use it. */
export type TableHandle = { client: DynamoDBDocumentClient; tableName: string };

/** The table's name under `npm start`: its logical id in the stack. */
export const localTableName = "Sessions";
