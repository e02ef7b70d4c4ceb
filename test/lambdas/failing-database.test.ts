import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  ResourceNotFoundException,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall } from "@aws-sdk/util-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Handler } from "../../lambdas/http/handle-request.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { openTable } from "../../lambdas/store/table.ts";
import { defaultSettings } from "../support/default-settings.ts";
import { asker } from "../support/test-service.ts";
import { itemWith, nowMs, sessionOf } from "./rules/one-license.ts";

const client = new DynamoDBClient({});
const database = mockClient(client);
const service: Service = {
  settings: defaultSettings,
  table: openTable({ client, tableName: "Sessions" }),
  now: () => 1_000_000,
};

const request = {
  license_key: "SECRET-KEY-1",
  device_fingerprint: "fingerprint-of-the-device",
};

function ask(handler: Handler, body: object = request) {
  return asker(handler, () => 1_000_000)(body);
}

/** Held by that device, without a name. */
const session = sessionOf(request.device_fingerprint, nowMs - 1_000_000);
const held = marshall(itemWith({ sessions: { "*": session } }));

const logged = vi.spyOn(console, "error");
const noted = vi.spyOn(console, "info");

beforeEach(() => {
  database.reset();
  logged.mockReset();
  noted.mockReset();
});
afterEach(() => vi.useRealTimers());

const details = { $metadata: {}, message: "secret internals" };
const who = {
  license_id: "aef2cb03df2d128c8170fd16a35543f3be570ff77e95b2d54397dfe5822dc0be",
  device: "fingerpr...",
  device_hash: "b40b714d2e",
};
const failures: [string, Error][] = [
  ["a throttle", new ProvisionedThroughputExceededException(details)],
  ["a timeout", Object.assign(new Error("secret internals"), { name: "TimeoutError" })],
  ["a missing table", new ResourceNotFoundException(details)],
  ["a reset connection", Object.assign(new Error("secret internals"), { code: "ECONNRESET" })],
  ["a bug", new TypeError("secret internals")],
];

test.for(failures)("%s is an opaque 500, and never a success", async ([, error]) => {
  database.on(UpdateItemCommand).rejects(error).on(GetItemCommand).rejects(error);
  const code = "internal_error";
  const opaque = { code, message: expect.not.stringContaining("secret"), request_id: "request-1" };
  const invalid = { status: 500, body: { license_valid: false, ...opaque } };
  expect(await ask(claimHandler(service))).toEqual(invalid);
  expect(await ask(claimHandler(service), { ...request, check_only: true })).toEqual(invalid);
  const failed = { status: 500, body: { status: "error", session_conflict: false, ...opaque } };
  expect(await ask(releaseHandler(service))).toEqual(failed);
  logged.mockClear();
  expect(await ask(heartbeatHandler(service), { ...request, symbol: "es" })).toEqual(failed);
  // One log line that says why, without the key or the whole fingerprint.
  const { name, message } = error;
  const why = { name, message, stack: expect.any(String) };
  expect(logged.mock.calls).toEqual([
    [{ code, status: 500, request_id: "request-1", symbol: "ES", ...who, error: why }],
  ]);
});

test("a refused condition leaves a log line of its own, without stack", async () => {
  database.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException(details));
  await ask(heartbeatHandler(service));
  expect(noted.mock.calls).toEqual([
    [{ code: "license_unknown", status: 500, request_id: "request-1", ...who }],
  ]);
  expect(logged).not.toHaveBeenCalled();
});

test("an item that is not a license is a 500", async () => {
  database
    .on(UpdateItemCommand)
    .resolves({ Attributes: { license_id: { S: "id" }, status: { S: "?" } } });
  expect((await ask(heartbeatHandler(service))).body.code).toBe("internal_error");
});

test("no timer outlives the answer", async () => {
  vi.useFakeTimers();
  database.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException(details));
  await ask(heartbeatHandler(service));
  expect(vi.getTimerCount()).toBe(0);
});

test("a thrown value that is not an Error is logged by its type alone", async () => {
  const update = () => Promise.reject("SECRET-KEY-1");
  const table = { forRequest: () => ({ get: update, update }) };
  await ask(heartbeatHandler({ ...service, table }));
  expect(logged.mock.lastCall?.[0].error).toEqual({ name: "string" });
});

test("a number that JavaScript can't hold makes no license unreadable", async () => {
  database.on(UpdateItemCommand).resolves({ Attributes: { ...held, note: { N: "1E+100" } } });
  expect((await ask(heartbeatHandler(service))).status).toBe(200);
});

test("a check reads consistently, which only DynamoDB itself could get wrong", async () => {
  database.on(GetItemCommand).resolves({});
  await ask(claimHandler(service), { ...request, check_only: true });
  const [call] = database.commandCalls(GetItemCommand);
  expect(call?.args[0].input.ConsistentRead).toBe(true);
});

test("the clock is read once for a request, however many calls it takes", async () => {
  const now = vi.fn(() => 1_000_000);
  const refusal = new ConditionalCheckFailedException(details);
  // Its own session: a second write.
  database
    .on(UpdateItemCommand)
    .rejectsOnce(Object.assign(refusal, { Item: held }))
    .resolves({ Attributes: held });
  expect((await ask(claimHandler({ ...service, now }))).body.code).toBe("granted");
  expect(database.calls()).toHaveLength(2);
  expect(now).toHaveBeenCalledTimes(1);
});
