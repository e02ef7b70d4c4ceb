import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Variables } from "../terminal/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import { explainAwsError } from "./explain-aws-error.ts";
import { getItem } from "./get-license.ts";
import { engineEndpoint, historyFile, localClientConfig } from "./local-engine.ts";
import { awsIdentity, userOfMachine } from "./operator-name.ts";
import { readStackOutputs, type StackHistory } from "./stack-outputs.ts";
import type { TableClock } from "./table-clock.ts";
import { localTableName, type TableHandle } from "./table-handle.ts";

/** An open table, with its name for messages, its operator and its history. */
export type OpenTable = TableHandle & {
  /** The table as messages name it: `table Sessions at http://127.0.0.1:8000`. */
  place: string;
  /** The operator's name, looked up only when it is needed. */
  operator: () => Promise<string>;
  /** Where its history is kept. */
  history: HistoryPlace;
  /** The address of a local engine; absent on AWS. */
  endpoint?: string;
};

/** The log groups of a stack, or the file of `npm start`. A table without its stack has none. */
export type HistoryPlace = StackHistory | { file: string } | undefined;

/** A table on AWS, by its stack or its own name. If neither is given, the table of `npm start`. */
type TableChoice = { stackName?: string | undefined; tableName?: string | undefined };

/**
 * Runs `work` on the chosen table. The local table is found by the same variables as in `npm
 * start`. Connection errors become a `CommandError` that says what to do.
 *
 * @param clock set by the answers of the table, if given
 */
export async function withTable<Result>(
  { stackName, tableName }: TableChoice,
  variables: Variables,
  work: (table: OpenTable) => Promise<Result>,
  clock?: TableClock,
): Promise<Result> {
  if (stackName === undefined && tableName === undefined) {
    const endpoint = engineEndpoint(variables);
    const client = new DynamoDBClient({ ...clientOptions, ...localClientConfig(endpoint) });
    const named = {
      tableName: localTableName,
      place: `table ${localTableName} at ${endpoint}`,
      operator: async () => userOfMachine(),
      history: { file: historyFile(variables) },
      endpoint,
    };
    return withClient(client, named, endpoint, clock, work);
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
  return withClient(client, named, undefined, clock, work);
}

const clientOptions = {
  // After throttling, the SDK limits all writers together to the rate that DynamoDB accepts.
  retryMode: "adaptive",
  requestHandler: {
    connectionTimeout: 5_000,
    requestTimeout: 15_000,
    throwOnRequestTimeout: true,
  },
};

/** Rounds numbers that JavaScript can't represent, which only an item edited by hand contains. */
const translation = { unmarshallOptions: { wrapNumbers: Number } };

async function withClient<Result>(
  client: DynamoDBClient,
  named: Omit<OpenTable, "client">,
  endpoint: string | undefined,
  clock: TableClock | undefined,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  const table = { client: DynamoDBDocumentClient.from(client, translation), ...named };
  const asked = { tableName: named.tableName, endpoint };
  try {
    if (clock) await explainAwsError(asked, setByAnswers(table, clock));
    return await explainAwsError(asked, work(table));
  } finally {
    client.destroy();
  }
}

/** Sets the clock by every answer, and by a first one, because a verb judges by it from the start. */
async function setByAnswers(table: TableHandle, clock: TableClock): Promise<void> {
  table.client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      clock.learn(Object(result.response).headers?.date);
      return result;
    },
    { step: "finalizeRequest" },
  );
  await getItem(table, "-");
}
