import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { localClientConfig } from "../engine/local-client-config.ts";
import { engineEndpoint, sessionTimeoutSeconds, type Variables } from "../engine/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import { explainAwsError } from "./explain-aws-error.ts";
import { readStackOutputs } from "./stack-outputs.ts";
import { localTableName, type TableHandle } from "./table-handle.ts";

/** A table with the time-out by which its sessions are judged. */
export type OpenTable = TableHandle & {
  sessionTimeoutMs: number;
  /** Which table it is, as a sentence names it: `table Sessions at http://127.0.0.1:8000`. */
  place: string;
};

/** On AWS, by the stack or by itself; without either, the table of `npm start`. */
export type TableChoice = { stackName?: string | undefined; tableName?: string | undefined };

/**
 * Works on the named table. The one of `npm start` is found by the same variables as there. The
 * time-out comes from the stack's outputs or else from SESSION_TIMEOUT_SECONDS. What goes wrong
 * with the connection becomes a `CommandError` that says what to do.
 */
export async function withTable<Result>(
  { stackName, tableName }: TableChoice,
  variables: Variables,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  if (stackName === undefined && tableName === undefined) {
    const endpoint = engineEndpoint(variables);
    return withClient(
      new DynamoDBClient({ ...clientOptions, ...localClientConfig(endpoint) }),
      {
        tableName: localTableName,
        timeoutSeconds: sessionTimeoutSeconds(variables),
        place: `table ${localTableName} at ${endpoint}`,
        endpoint,
      },
      work,
    );
  }
  const { tableName: name = "", timeoutSeconds } =
    stackName === undefined
      ? { tableName, timeoutSeconds: sessionTimeoutSeconds(variables) }
      : await explainAwsError({}, readStackOutputs(stackName, variables));
  const client = new DynamoDBClient({ ...clientOptions, ...awsClientConfig(variables) });
  const region = await explainAwsError({}, client.config.region());
  const stack = stackName === undefined ? "" : ` of stack ${stackName}`;
  return withClient(
    client,
    { tableName: name, timeoutSeconds, place: `table ${name}${stack} in ${region}` },
    work,
  );
}

const clientOptions = {
  // After a throttle all writers together go on as fast as they are let.
  retryMode: "adaptive",
  requestHandler: {
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    throwOnRequestTimeout: true,
  },
};

type Named = { tableName: string; timeoutSeconds: number; place: string; endpoint?: string };

async function withClient<Result>(
  client: DynamoDBClient,
  { tableName, timeoutSeconds, place, endpoint }: Named,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  const sessionTimeoutMs = timeoutSeconds * 1000;
  const table = { client: DynamoDBDocumentClient.from(client), tableName, sessionTimeoutMs, place };
  try {
    return await explainAwsError({ tableName, endpoint }, work(table));
  } finally {
    client.destroy();
  }
}
