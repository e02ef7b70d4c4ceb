import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Handler } from "../../lambdas/http/handle-request.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { createClient } from "../../lambdas/store/dynamodb-client.ts";
import { openTable } from "../../lambdas/store/table.ts";
import { defaultSettings } from "../support/default-settings.ts";
import { asker } from "../support/test-service.ts";
import { startWireClock, type WireClock } from "../support/wire-clock.ts";

let clock: WireClock;
let stop = () => {};
beforeEach(async () => {
  vi.spyOn(console, "error").mockImplementation(() => {});
  clock = await startWireClock();
});
afterEach(async () => {
  stop();
  await clock.stop();
  vi.unstubAllEnvs();
});

/** The service on a database on the wire that does with each connection whatever is given. */
async function serviceOnDatabaseThat(treats: (socket: Socket) => void): Promise<Service> {
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
  const table = openTable({ client: createClient(Date.now), tableName: "Sessions" });
  return { settings: defaultSettings, table, now: Date.now };
}

function ask(handler: Handler) {
  return asker(handler)({ license_key: "KEY", device_fingerprint: "device", symbol: "ES" });
}

function answerOf(status: string, body: object): string {
  const text = JSON.stringify(body);
  const type = "content-type: application/x-amz-json-1.0";
  return `HTTP/1.1 ${status}\r\n${type}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

/** The caller's session without a name, and one of another symbol, long lapsed; one seat. */
const session = (device: string) => ({
  M: {
    device_fingerprint: { S: device },
    session_id: { S: "held" },
    started_at: { N: "1" },
    last_heartbeat: { N: "1" },
    lease_ms: { N: "60000" },
    lapses_at: { N: "60001" },
  },
});
const fullLicense = {
  license_id: { S: "id" },
  status: { S: "active" },
  license_type: { S: "standard" },
  max_sessions: { N: "1" },
  sessions: { M: { ES: session("device"), NQ: session("another-device") } },
};
const applied = answerOf("200 OK", { Attributes: fullLicense });
const refused = answerOf("400 Bad Request", {
  __type: "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
  Item: fullLicense,
});
const endless = applied.slice(0, -1);

test.for([
  ["takes the request and says nothing", () => {}],
  [
    "begins an answer and never ends it",
    (socket: Socket) => socket.once("data", () => socket.write(endless)),
  ],
  ["hangs up", (socket: Socket) => socket.once("data", () => socket.destroy())],
] as const)("a database that %s is a 500 of ours within 4.5 s", async ([, treats]) => {
  const service = await serviceOnDatabaseThat(treats);
  const reply = await clock.until(ask(heartbeatHandler(service)));
  expect(reply).toMatchObject({ status: 500, body: { code: "internal_error" } });
  expect(clock.nowMs()).toBeLessThan(4_500);
});

test("a database that hangs up is asked three times", async () => {
  let requests = 0;
  const service = await serviceOnDatabaseThat((socket) => {
    socket.once("data", () => {
      requests++;
      socket.destroy();
    });
  });
  await clock.until(ask(heartbeatHandler(service)));
  expect(requests).toBe(3);
});

test("unfinished answers don't occupy connections: the next heartbeat succeeds", async () => {
  let answer = endless;
  const service = await serviceOnDatabaseThat((socket) => {
    socket.on("data", () => socket.write(answer));
  });
  const heartbeat = heartbeatHandler(service);
  // As many as the SDK opens connections, and one more.
  const asked = Promise.all(Array.from({ length: 51 }, () => ask(heartbeat)));
  const replies = await clock.until(asked);
  expect(new Set(replies.map(({ body }) => body.code))).toEqual(new Set(["internal_error"]));
  answer = applied;
  expect((await clock.until(ask(heartbeat))).status).toBe(200);
});

test("after its answer a request sends nothing more, though the SDK has attempts left", async () => {
  let requests = 0;
  const service = await serviceOnDatabaseThat((socket) => {
    socket.on("data", () => {
      requests++;
      // The claim's first write is refused at its last attempt. What comes then has no answer.
      if (requests === 3) setTimeout(() => socket.write(refused), 900);
    });
  });
  let isAnswered = false;
  const reply = ask(claimHandler(service)).finally(() => {
    isAnswered = true;
  });
  await clock.pass(3_499);
  expect({ requests, isAnswered }).toEqual({ requests: 4, isAnswered: false });
  await clock.pass(1);
  expect(await reply).toMatchObject({ status: 500, body: { code: "internal_error" } });
  await clock.pass(5_000);
  expect(requests).toBe(4);
});
