import { createServer, type Socket } from "node:net";
import { marshall } from "@aws-sdk/util-dynamodb";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Handler } from "../../lambdas/http/handle-request.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { defaultSettings } from "../support/default-settings.ts";
import { asker } from "../support/test-service.ts";
import { startWireClock, type WireClock } from "../support/wire-clock.ts";
import { itemWith, nowMs, sessionOf } from "./rules/one-license.ts";
import { tableOnServer } from "./store/database-on-wire.ts";

const logged = vi.spyOn(console, "error");
let clock: WireClock;
beforeEach(async () => {
  logged.mockImplementation(() => {});
  clock = await startWireClock();
});
afterEach(() => clock.stop());

/** The service on a database on the wire that does with each connection whatever is given. */
async function serviceOnDatabaseThat(treats: (socket: Socket) => void) {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    treats(socket);
  });
  return { settings: defaultSettings, table: await tableOnServer(server), now: Date.now };
}

function ask(handler: Handler) {
  return asker(handler)({ license_key: "KEY", device_fingerprint: "device", symbol: "ES" });
}

function answerOf(status: string, text: string): string {
  const type = "content-type: application/x-amz-json-1.0";
  return `HTTP/1.1 ${status}\r\n${type}\r\ncontent-length: ${text.length}\r\n\r\n${text}`;
}

function refusalOf(status: string, name: string, item?: object): string {
  const type = `com.amazonaws.dynamodb.v20120810#${name}`;
  return answerOf(status, JSON.stringify({ __type: type, Item: item }));
}

/** The caller's session without a name, and one of another symbol, long lapsed; one seat. */
const sessions = { ES: sessionOf("device", nowMs), NQ: sessionOf("another-device", nowMs) };
const fullLicense = marshall(itemWith({ sessions, max_sessions: 1 }));
const applied = answerOf("200 OK", JSON.stringify({ Attributes: fullLicense }));
const refused = refusalOf("400 Bad Request", "ConditionalCheckFailedException", fullLicense);
const endless = applied.slice(0, -1);

async function dribble(socket: Socket): Promise<void> {
  const bodyAt = applied.indexOf("{");
  socket.write(applied.slice(0, bodyAt));
  for (const byte of applied.slice(bodyAt)) {
    socket.write(byte);
    await clock.wait(50);
  }
}

test.for<[does: string, requests: number, treats: (socket: Socket) => void]>([
  ["says nothing", 3, () => {}],
  ["begins an answer and never ends it", 1, (socket) => socket.write(endless)],
  ["sends its answer byte by byte", 1, dribble],
  ["breaks off in its answer", 3, (socket) => socket.end(endless)],
  ["hangs up", 3, (socket) => socket.destroy()],
  ["answers with garbage", 1, (socket) => socket.write(answerOf("200 OK", '{"Attributes":{'))],
])(
  "a database that %s is a 500 of ours within 4.5 s, after %i requests",
  async ([, requests, treats]) => {
    let received = 0;
    const service = await serviceOnDatabaseThat((socket) => {
      socket.on("data", () => {
        received++;
        treats(socket);
      });
    });
    const reply = await clock.until(ask(heartbeatHandler(service)));
    expect(reply).toMatchObject({ status: 500, body: { code: "internal_error" } });
    expect(clock.nowMs()).toBeLessThan(4_500);
    expect(received).toBe(requests);
  },
);

test.for<[does: string, fails: (socket: Socket) => void]>([
  ["hangs up", (socket) => socket.destroy()],
  ["says nothing", () => {}],
  [
    "fails",
    (socket) => socket.write(refusalOf("500 Internal Server Error", "InternalServerError")),
  ],
  [
    "is throttled",
    (socket) =>
      socket.write(refusalOf("400 Bad Request", "ProvisionedThroughputExceededException")),
  ],
])("a database that %s twice, and then answers, is no failure", async ([, fails]) => {
  let requests = 0;
  const service = await serviceOnDatabaseThat((socket) => {
    socket.on("data", () => (++requests < 3 ? fails(socket) : socket.write(applied)));
  });
  expect((await clock.until(ask(heartbeatHandler(service)))).status).toBe(200);
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
  expect(logged.mock.lastCall?.[0].error.message).toBe("No answer within 3500 ms");
  await clock.pass(5_000);
  expect(requests).toBe(4);
});
