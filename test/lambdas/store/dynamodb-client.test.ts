import { once } from "node:events";
import { createServer, type IncomingMessage } from "node:http";
import { Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { startWireClock, type WireClock } from "../../support/wire-clock.ts";
import { tableOnServer } from "./database-on-wire.ts";

const minuteMs = 60_000;
const wellAnswered: Answer = { status: 200, body: {} };

type Answer = { status: number; body: object; dateMs?: number };

let clock: WireClock;
beforeEach(async () => {
  clock = await startWireClock();
});
afterEach(async () => {
  await clock.stop();
  vi.restoreAllMocks();
});

/** The table as the functions see it, on a DynamoDB that gives these answers, the last one for ever. */
async function tableOnDatabaseThatAnswers(...answers: (Answer | "nothing")[]) {
  const requests: IncomingMessage[] = [];
  const asked = Promise.withResolvers<IncomingMessage>();
  const server = createServer((request, response) => {
    requests.push(request);
    asked.resolve(request);
    const answer = answers.length > 1 ? answers.shift() : answers[0];
    if (answer === undefined || answer === "nothing") return;
    const { status, body, dateMs = Date.now() } = answer;
    response.setHeader("date", new Date(dateMs).toUTCString());
    response.writeHead(status, { "content-type": "application/x-amz-json-1.0" });
    response.end(JSON.stringify(body));
  });
  const table = await tableOnServer(server);
  return {
    requests,
    /** The first request, when it has arrived. */
    asked: asked.promise,
    get: (signal = new AbortController().signal) =>
      clock.until(table.forRequest({ signal, nowMs: 0 }).get("id")),
  };
}

function keyOf({ headers }: IncomingMessage): string | undefined {
  return /Credential=([^/]+)/.exec(`${headers.authorization}`)?.[1];
}

test("credentials that were replaced in the environment sign the next call once the old ones end", async () => {
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: Date.now() });
  vi.stubEnv("AWS_CREDENTIAL_EXPIRATION", new Date(Date.now() + 10 * minuteMs).toISOString());
  const { requests, get } = await tableOnDatabaseThatAnswers(wellAnswered);
  await get();
  vi.stubEnv("AWS_ACCESS_KEY_ID", "second");
  vi.stubEnv("AWS_CREDENTIAL_EXPIRATION", new Date(Date.now() + 60 * minuteMs).toISOString());
  await get();
  vi.setSystemTime(Date.now() + 6 * minuteMs);
  await get();
  expect(requests.map(keyOf)).toEqual(["first", "first", "second"]);
});

test("a call that is refused for its time is signed again with DynamoDB's time", async () => {
  const dateMs = Date.now() + 20 * minuteMs;
  const tooSkewed = { __type: "com.amazon.coral.service#RequestTimeTooSkewed", message: "" };
  const { requests, get } = await tableOnDatabaseThatAnswers(
    { status: 400, body: tooSkewed, dateMs },
    { ...wellAnswered, dateMs },
  );
  // Signed so, it is answered; but the function's clock is wrong.
  await expect(get()).rejects.toThrow("The function's clock and DynamoDB's differ by");
  const signedAtMs = requests.map(({ headers }) => instantOf(`${headers["x-amz-date"]}`));
  expect(signedAtMs).toHaveLength(2);
  const [first = 0, second = 0] = signedAtMs;
  expect(second - first).toBeGreaterThan(19 * minuteMs);
});

test("a connection that never opens is given up after half a second, three times", async () => {
  const { requests, get } = await tableOnDatabaseThatAnswers(wellAnswered);
  const triedAtMs: number[] = [];
  vi.spyOn(Socket.prototype, "connect").mockImplementation(function (this: Socket) {
    triedAtMs.push(clock.nowMs());
    Object.assign(this, { connecting: true });
    return this;
  });
  await expect(get()).rejects.toThrow("did not establish a connection");
  const [first = 0, second = 0, third = 0] = triedAtMs;
  expect(triedAtMs).toHaveLength(3);
  // Between them, the SDK pauses for a moment.
  for (const waitedMs of [second - first, third - second]) {
    expect(waitedMs).toBeGreaterThanOrEqual(500);
    expect(waitedMs).toBeLessThan(900);
  }
  expect(requests).toEqual([]);
});

test("a call ends at its signal at once: its connection closes, and nothing more is sent", async () => {
  const { requests, asked, get } = await tableOnDatabaseThatAnswers("nothing");
  const controller = new AbortController();
  const refused = expect(get(controller.signal)).rejects.toThrow(/abort/i);
  const { socket } = await asked;
  const closed = once(socket, "close");
  const abortedAtMs = clock.nowMs();
  controller.abort();
  await refused;
  await closed;
  expect(clock.nowMs() - abortedAtMs).toBeLessThan(100);
  await clock.pass(5_000);
  expect(requests).toHaveLength(1);
});

/** From what a signature says: 20260105T120000Z. */
function instantOf(text: string): number {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(text);
  const [, year, month, day, hour, minute, second] = parts ?? [];
  return Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}Z`);
}
