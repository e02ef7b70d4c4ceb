import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import type { Variables } from "../terminal/variables.ts";
import { awsClientConfig } from "./aws-client-config.ts";
import { explainAwsError } from "./explain-aws-error.ts";
import { getItem } from "./get-license.ts";
import { engineEndpoint, historyFile, localClientConfig } from "./local-engine.ts";
import { awsIdentity, userOfMachine } from "./operator-name.ts";
import { type Deployed, readStackOutputs, type StackHistory } from "./stack-outputs.ts";
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
  /** Of a stack alone. */
  deployed?: Deployed;
  /** The address of a local engine; absent on AWS. */
  endpoint?: string;
};

/** The log groups of a stack, or the file of `npm start`. A table without its stack has none. */
export type HistoryPlace = StackHistory | { file: string } | undefined;

/** A table on AWS, by its stack or its own name. If neither is given, the table of `npm start`. */
export type TableChoice = { stackName?: string | undefined; tableName?: string | undefined };

/**
 * Runs `work` on the chosen table. The local table is found by the same variables as in `npm
 * start`. Connection errors become a `CommandError` that says what to do.
 *
 * @param clock set by the answers of the table, if given
 */
export async function withTable<Result>(
  choice: TableChoice,
  variables: Variables,
  work: (table: OpenTable) => Promise<Result>,
  clock?: TableClock,
): Promise<Result> {
  const isLocal = choice.stackName === undefined && choice.tableName === undefined;
  const { dynamo, ...named } = isLocal
    ? localTable(variables)
    : await explainAwsError({}, tableOnAws(choice, variables));
  const table = { client: DynamoDBDocumentClient.from(dynamo, translation), ...named };
  try {
    const working = clock ? setByAnswers(table, clock).then(() => work(table)) : work(table);
    return await explainAwsError(table, working);
  } finally {
    dynamo.destroy();
  }
}

type NamedTable = Omit<OpenTable, "client"> & { dynamo: DynamoDBClient };

function localTable(variables: Variables): NamedTable {
  const endpoint = engineEndpoint(variables);
  return {
    dynamo: new DynamoDBClient({ ...clientOptions, ...localClientConfig(endpoint) }),
    tableName: localTableName,
    place: `table ${localTableName} at ${endpoint}`,
    operator: async () => userOfMachine(),
    history: { file: historyFile(variables) },
    endpoint,
  };
}

async function tableOnAws(
  { stackName, tableName }: TableChoice,
  variables: Variables,
): Promise<NamedTable> {
  const stack = stackName === undefined ? undefined : await readStackOutputs(stackName, variables);
  const dynamo = new DynamoDBClient({ ...clientOptions, ...awsClientConfig(variables) });
  const name = stack?.tableName ?? tableName ?? "";
  const ofStack = stack ? ` of stack ${stackName}` : "";
  return {
    dynamo,
    tableName: name,
    place: `table ${name}${ofStack} in ${await dynamo.config.region()}`,
    operator: () => awsIdentity(variables),
    history: stack?.history,
    ...(stack && { deployed: stack.deployed }),
  };
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
