import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { afterEach, expect, test, vi } from "vitest";
import { heartbeatHandler } from "../../lambdas/heartbeat.ts";
import { createClient, openTable } from "../../lambdas/sessions/table.ts";
import { asker } from "../support/scene.ts";

let stop = () => {};
afterEach(() => {
  stop();
  vi.unstubAllEnvs();
});

/** A database on the wire that does with a connection whatever is given. */
async function databaseThat(treats: (socket: Socket) => void): Promise<DynamoDBClient> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    treats(socket);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  stop = () => {
    for (const socket of sockets) socket.destroy();
    server.close();
  };
  const address = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "local");
  return createClient();
}

const endless =
  "HTTP/1.1 200 OK\r\ncontent-type: application/x-amz-json-1.0\r\ncontent-length: 9999\r\n\r\n{";

test.for([
  ["takes the request and says nothing", () => {}],
  [
    "begins an answer and never ends it",
    (socket: Socket) => socket.once("data", () => socket.write(endless)),
  ],
  ["hangs up", (socket: Socket) => socket.once("data", () => socket.destroy())],
] as const)("a database that %s is a 500 of ours within 4.5 s", async ([, treats]) => {
  const settings = {
    tableName: "Sessions",
    sessionTimeoutMs: 60_000,
    multiSymbolSessions: true,
    askForRefusedItem: false,
  };
  const client = await databaseThat(treats);
  const table = openTable({ client, ...settings });
  const heartbeat = asker(heartbeatHandler({ settings, table, now: Date.now }));

  const startedAtMs = performance.now();
  const reply = await heartbeat({ license_key: "KEY", device_fingerprint: "device" });
  expect(reply).toMatchObject({ status: 500, body: { code: "internal_error" } });
  expect(performance.now() - startedAtMs).toBeLessThan(4_500);
});
