import {
  ConditionalCheckFailedException,
  DynamoDBClient,
  GetItemCommand,
  ProvisionedThroughputExceededException,
  ResourceNotFoundException,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { openTable } from "../../lambdas/store/table.ts";
import { defaultSettings } from "../support/default-settings.ts";

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

async function ask(handler: ReturnType<typeof heartbeatHandler>, body: object = request) {
  const requestContext = { timeEpoch: 1_000_000 };
  const event = { body: JSON.stringify(body), isBase64Encoded: false, requestContext };
  const result = await handler(event, { awsRequestId: "request-1" });
  return { status: result.statusCode, body: JSON.parse(result.body ?? "") };
}

/** Held by that device, without a name. */
const held = {
  license_id: { S: "id" },
  status: { S: "active" },
  license_type: { S: "standard" },
  max_sessions: { N: "20" },
  fencing_token: { N: "7" },
  sessions: {
    M: {
      "*": {
        M: {
          device_fingerprint: { S: request.device_fingerprint },
          session_id: { S: "held" },
          started_at: { N: "1000000" },
          last_heartbeat: { N: "1000000" },
          lease_ms: { N: "60000" },
          lapses_at: { N: "1060000" },
        },
      },
    },
  },
};

const logged = vi.spyOn(console, "error");
const noted = vi.spyOn(console, "info");

beforeEach(() => {
  database.reset();
  logged.mockReset();
  noted.mockReset();
});
afterEach(() => vi.useRealTimers());

const details = { $metadata: {}, message: "secret internals" };
const failures: [string, Error][] = [
  ["a throttle", new ProvisionedThroughputExceededException(details)],
  ["a timeout", Object.assign(new Error("secret internals"), { name: "TimeoutError" })],
  ["a missing table", new ResourceNotFoundException(details)],
  ["a reset connection", Object.assign(new Error("secret internals"), { code: "ECONNRESET" })],
  ["a bug", new TypeError("secret internals")],
];

describe.for(failures)("%s", ([, error]) => {
  const opaque = {
    code: "internal_error",
    message: expect.not.stringContaining("secret"),
    request_id: "request-1",
  };

  test("a heartbeat whose update fails, for any reason, never answers 200", async () => {
    database.on(UpdateItemCommand).rejects(error);
    expect(await ask(heartbeatHandler(service))).toEqual({
      status: 500,
      body: { status: "error", session_conflict: false, ...opaque },
    });
  });

  test("a claim, its check and a release are opaque 500s too", async () => {
    database.on(UpdateItemCommand).rejects(error).on(GetItemCommand).rejects(error);
    const invalid = { status: 500, body: { license_valid: false, ...opaque } };
    expect(await ask(claimHandler(service))).toEqual(invalid);
    expect(await ask(claimHandler(service), { ...request, check_only: true })).toEqual(invalid);
    expect(await ask(releaseHandler(service))).toEqual({
      status: 500,
      body: { status: "error", session_conflict: false, ...opaque },
    });
  });

  test("leaves one log line that says why, without the key or the whole fingerprint", async () => {
    database.on(UpdateItemCommand).rejects(error);
    await ask(heartbeatHandler(service), { ...request, symbol: "es" });
    expect(logged.mock.calls).toEqual([
      [
        {
          code: "internal_error",
          status: 500,
          request_id: "request-1",
          symbol: "ES",
          license_id: "aef2cb03df2d128c8170fd16a35543f3be570ff77e95b2d54397dfe5822dc0be",
          device: "fingerpr...",
          device_hash: "b40b714d2e",
          error: { name: error.name, message: error.message, stack: expect.any(String) },
        },
      ],
    ]);
    expect(JSON.stringify(logged.mock.calls)).not.toMatch(/SECRET-KEY|of-the-device/);
  });
});

describe("a refused condition", () => {
  const refusal = new ConditionalCheckFailedException(details);

  test("is a 500 for a heartbeat, with the code of the failure", async () => {
    database.on(UpdateItemCommand).rejects(refusal);
    expect(await ask(heartbeatHandler(service))).toMatchObject({
      status: 500,
      body: { code: "license_unknown", license_valid: false },
    });
    expect(database.calls()).toHaveLength(1);
  });

  test("is a log line of its own, without stack", async () => {
    database.on(UpdateItemCommand).rejects(refusal);
    await ask(heartbeatHandler(service));
    expect(noted.mock.calls).toEqual([
      [
        {
          code: "license_unknown",
          status: 500,
          request_id: "request-1",
          license_id: "aef2cb03df2d128c8170fd16a35543f3be570ff77e95b2d54397dfe5822dc0be",
          device: "fingerpr...",
          device_hash: "b40b714d2e",
        },
      ],
    ]);
    expect(logged).not.toHaveBeenCalled();
  });
});

test("a claim whose answer was lost is granted when its second attempt finds its own session", async () => {
  database.on(UpdateItemCommand).callsFake((input) => {
    const values = Object.values<{ M?: Record<string, unknown> }>(input.ExpressionAttributeValues);
    const session = values.find(({ M }) => M?.session_id !== undefined);
    const Item = { ...held, sessions: { M: { "*": session } } };
    throw Object.assign(new ConditionalCheckFailedException(details), { Item });
  });
  expect(await ask(claimHandler(service))).toMatchObject({
    status: 200,
    body: { code: "granted", fencing_token: 1_000_000, active_symbols: ["*"] },
  });
  expect(database.calls()).toHaveLength(1);
});

test("an item that is not a license is a 500", async () => {
  database
    .on(UpdateItemCommand)
    .resolves({ Attributes: { license_id: { S: "id" }, status: { S: "?" } } });
  expect((await ask(heartbeatHandler(service))).body.code).toBe("internal_error");
});

test("if the database never answers, the function answers 500 after 3.5 s", async () => {
  vi.useFakeTimers();
  database.on(UpdateItemCommand).callsFake(() => new Promise(() => {}));
  let isAnswered = false;
  const answer = ask(heartbeatHandler(service)).finally(() => {
    isAnswered = true;
  });
  await vi.advanceTimersByTimeAsync(3_499);
  expect(isAnswered).toBe(false);
  await vi.advanceTimersByTimeAsync(1);
  expect(isAnswered).toBe(true);
  expect(logged.mock.lastCall?.[0].error.message).toBe("No answer within 3500 ms");
  expect(await answer).toMatchObject({ status: 500, body: { code: "internal_error" } });
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

test("a write asks DynamoDB to return the item that fails its condition", async () => {
  database.on(UpdateItemCommand).rejects(new ConditionalCheckFailedException(details));
  await ask(heartbeatHandler(service));
  const [call] = database.commandCalls(UpdateItemCommand);
  expect(call?.args[0].input.ReturnValuesOnConditionCheckFailure).toBe("ALL_OLD");
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

test("a success leaves no log line", async () => {
  database.on(UpdateItemCommand).resolves({ Attributes: held });
  expect((await ask(heartbeatHandler(service))).status).toBe(200);
  expect(noted).not.toHaveBeenCalled();
});
