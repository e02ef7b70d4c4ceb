import type { Server } from "node:http";
import { promisify } from "node:util";
import { DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { localClientConfig } from "../../ops/data/local-engine.ts";
import { CommandError } from "../../ops/terminal/command-error.ts";
import { listen } from "../listen.ts";
import type { StartSettings } from "../start-settings.ts";
import { createEngine } from "./create-engine.ts";
import { makeDataFolder } from "./data-folder.ts";

export type Engine = AsyncDisposable & {
  endpoint: string;
  /** The embedded one, which serves this machine alone: all who write share one clock. */
  isOwn: boolean;
};

type EngineSettings = Pick<StartSettings, "engineEndpoint" | "enginePort" | "dataFolder" | "host">;

/**
 * Starts the embedded engine, or connects to the one that is named in the settings.
 *
 * @throws CommandError if its port or data folder can't be used, or it doesn't answer
 */
export async function startEngine(settings: EngineSettings): Promise<Engine> {
  return settings.engineEndpoint === undefined
    ? startEmbedded(settings)
    : findEngine(settings.engineEndpoint);
}

async function findEngine(endpoint: string): Promise<Engine> {
  try {
    await expectAnswer(endpoint, AbortSignal.timeout(4_000));
  } catch (error) {
    throw new CommandError(
      `No DynamoDB answers at DYNAMODB_ENDPOINT ${endpoint} (${error}). Start it there, or unset DYNAMODB_ENDPOINT to use the embedded engine.`,
    );
  }
  return { endpoint, isOwn: false, async [Symbol.asyncDispose]() {} };
}

async function startEmbedded({ enginePort, dataFolder, host }: EngineSettings): Promise<Engine> {
  const path = await makeDataFolder(dataFolder, "dynamodb");
  const server = createEngine({ path, host });
  const endpoint = `http://127.0.0.1:${await listen(server, enginePort, "DYNAMODB_PORT")}`;
  // dynalite opens its data on the first request. If that fails, an internal callback throws.
  await expectAnswer(endpoint);
  return { endpoint, isOwn: true, [Symbol.asyncDispose]: () => close(server) };
}

/** Returns once the data is closed, too. */
async function close(server: Server): Promise<void> {
  const closed = promisify(server.close.bind(server))();
  server.closeAllConnections();
  await closed;
}

async function expectAnswer(endpoint: string, abortSignal?: AbortSignal): Promise<void> {
  const client = new DynamoDBClient({ ...localClientConfig(endpoint), maxAttempts: 1 });
  try {
    await client.send(new ListTablesCommand({}), abortSignal && { abortSignal });
  } finally {
    client.destroy();
  }
}
