import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Variables } from "../command-line/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import { explainAwsError } from "./explain-aws-error.ts";
import { engineEndpoint, historyFile, localClientConfig } from "./local-engine.ts";
import { awsIdentity, userOfMachine } from "./operator-name.ts";
import { readStackOutputs, type StackHistory } from "./stack-outputs.ts";
import { localTableName, type TableHandle } from "./table-handle.ts";

/** A table, with what there is to know about it. */
export type OpenTable = TableHandle & {
  /** Which table it is, as a sentence names it: `table Sessions at http://127.0.0.1:8000`. */
  place: string;
  /** Who works on it, asked when it is needed. */
  operator: () => Promise<string>;
  /** Where the lines of its history are. */
  history: HistoryPlace;
};

/** The log groups of a stack, or the file of `npm start`. A table without its stack has none. */
export type HistoryPlace = StackHistory | { file: string } | undefined;

/** On AWS, by its stack or by its own name; without either, the table of `npm start`. */
type TableChoice = { stackName?: string | undefined; tableName?: string | undefined };

/**
 * Works on the named table. The one of `npm start` is found by the same variables as there. What goes
 * wrong with the connection becomes a `CommandError` that says what to do.
 */
export async function withTable<Result>(
  { stackName, tableName }: TableChoice,
  variables: Variables,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  if (stackName === undefined && tableName === undefined) {
    const endpoint = engineEndpoint(variables);
    const client = new DynamoDBClient({ ...clientOptions, ...localClientConfig(endpoint) });
    const named = {
      tableName: localTableName,
      place: `table ${localTableName} at ${endpoint}`,
      operator: async () => userOfMachine(),
      history: { file: historyFile(variables) },
    };
    return withClient(client, named, endpoint, work);
  }
  const stack =
    stackName === undefined
      ? undefined
      : await explainAwsError({}, readStackOutputs(stackName, variables));
  const client = new DynamoDBClient({ ...clientOptions, ...awsClientConfig(variables) });
  const region = await explainAwsError({}, client.config.region());
  const name = stack?.tableName ?? tableName ?? "";
  const ofStack = stack ? ` of stack ${stackName}` : "";
  const named = {
    tableName: name,
    place: `table ${name}${ofStack} in ${region}`,
    operator: () => awsIdentity(variables),
    history: stack?.history,
  };
  return withClient(client, named, undefined, work);
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

/** A number that JavaScript can't hold, in an item that somebody edited by hand, is rounded. */
const translation = { unmarshallOptions: { wrapNumbers: Number } };

async function withClient<Result>(
  client: DynamoDBClient,
  named: Omit<OpenTable, "client">,
  endpoint: string | undefined,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  const table = { client: DynamoDBDocumentClient.from(client, translation), ...named };
  try {
    return await explainAwsError({ tableName: named.tableName, endpoint }, work(table));
  } finally {
    client.destroy();
  }
}
