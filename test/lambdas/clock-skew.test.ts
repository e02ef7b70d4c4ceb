import { createServer } from "node:http";
import { marshall } from "@aws-sdk/util-dynamodb";
import { afterEach, describe, expect, test, vi } from "vitest";
import type { Handler } from "../../lambdas/http/handle-request.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { provenDifferenceMs } from "../../lambdas/rules/clock-skew.ts";
import { defaultSettings } from "../support/default-settings.ts";
import { itemWith, openLicense, nowMs as receivedByApiMs, sessionOf } from "./rules/one-license.ts";
import { tableOnServer } from "./store/database-on-wire.ts";

const handlers = { claim: claimHandler, heartbeat: heartbeatHandler, release: releaseHandler };
const logged = vi.spyOn(console, "error").mockImplementation(() => {});

afterEach(() => {
  logged.mockClear();
});

function ask(service: Service, verb: keyof typeof handlers) {
  return askOf(handlers[verb](service));
}

async function askOf(handler: Handler, timeEpoch: number = receivedByApiMs) {
  const result = await handler(
    {
      body: JSON.stringify({
        license_key: "KEY",
        device_fingerprint: "device",
        run_id: "a-run-0123456789",
        claim_number: 1,
        session_id: "held",
      }),
      isBase64Encoded: false,
      requestContext: Number.isNaN(timeEpoch) ? {} : { timeEpoch },
    },
    { awsRequestId: "request-1" },
  );
  return { status: result.statusCode, body: JSON.parse(result.body ?? "") };
}

describe.for(Object.keys(handlers) as (keyof typeof handlers)[])("a %s", (verb) => {
  /** The function's clock in each of its requests, by how much it is ahead of the API's time. */
  async function decided(differencesMs: readonly number[], timeEpoch?: number) {
    let touched = 0;
    const update = async () => {
      touched++;
      return { applied: false as const, seen: undefined };
    };
    let functionMs = receivedByApiMs;
    const handler = handlers[verb]({
      settings: defaultSettings,
      table: { forRequest: () => ({ get: async () => undefined, update }) },
      now: () => functionMs,
    });
    vi.spyOn(console, "info").mockImplementation(() => {});
    for (const differenceMs of differencesMs) {
      touched = 0;
      functionMs = receivedByApiMs + differenceMs;
      const { status, body } = await askOf(handler, timeEpoch);
      if (touched > 0) continue;
      expect(status).toBe(500);
      expect(body.code).toBe("internal_error");
      expect(JSON.stringify(body)).not.toMatch(/clock/i);
    }
    return touched > 0;
  }

  test.for([
    [-3_600_000, false],
    [-2_001, false],
    [-2_000, true],
    [0, true],
    // As long as a cold start may take.
    [10_000, true],
    [10_001, false],
    [3_600_000, false],
  ] as const)(
    "of a function whose clock is %i ms from the API's in its first request is decided: %s",
    async ([differenceMs, decides]) => {
      expect(await decided([differenceMs])).toBe(decides);
      if (decides) return;
      expect(logged.mock.calls).toEqual([
        [
          expect.objectContaining({
            code: "internal_error",
            error: {
              name: "ClockSkew",
              code: "clock_skew",
              difference_ms: differenceMs,
              message: `The function's clock and the API's differ by ${differenceMs} ms`,
            },
          }),
        ],
      ]);
    },
  );

  test.for([
    [-2_001, false],
    [-2_000, true],
    [2_000, true],
    [2_001, false],
  ] as const)("and of %i ms in a later one: %s", async ([differenceMs, decides]) => {
    expect(await decided([0, differenceMs])).toBe(decides);
    // A first request that is refused is a first request, too.
    expect(await decided([3_600_000, differenceMs])).toBe(decides);
  });

  test.for([
    ["missing", undefined],
    ["in seconds", receivedByApiMs / 1_000],
    ["an hour off", receivedByApiMs - 3_600_000],
  ] as const)("whose time is %s is not decided", async ([, timeEpoch]) => {
    expect(await decided([0], timeEpoch ?? Number.NaN)).toBe(false);
  });
});

test.for([
  [2_000, 55],
  [2_001, 52],
  [10_000, 45],
] as const)(
  "what a cold start of %i ms leaves uncertain is taken off the right: %i s remain",
  async ([differenceMs, seconds]) => {
    const { database } = openLicense({});
    const service: Service = {
      settings: defaultSettings,
      table: { forRequest: () => database },
      now: () => receivedByApiMs + differenceMs,
    };
    const { body } = await ask(service, "claim");
    expect(body).toMatchObject({ code: "granted", held_for_seconds: seconds });
    // What is written is the API's time.
    expect(body.fencing_token).toBe(receivedByApiMs);
  },
);

test.for([
  // The date names the second it was written in, at some moment of the exchange.
  [0, 100, 0, 0],
  [2_999, 3_100, 0, 0],
  [3_000, 3_100, 0, 0],
  [3_001, 3_100, 0, 2_001],
  [0, 5_000, 2_000, 0],
  [0, 100, 2_100, 0],
  [0, 99, 2_100, -2_001],
] as const)(
  "sent at %i and received at %i, an answer of the second %i proves a difference of %i ms",
  ([sentMs, receivedMs, dateMs, differenceMs]) => {
    expect(provenDifferenceMs(sentMs, receivedMs, dateMs)).toBe(differenceMs);
  },
);

/** A service on a database that answers each update as applied, and whose own clock stands at an instant. */
async function serviceOnDatabaseAt(clock: { ms: number | undefined }, now: () => number) {
  const conditions: string[] = [];
  const sessions = { "*": sessionOf("device", 60_000) };
  const Attributes = marshall(itemWith({ sessions, max_sessions: 1 }));
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { ConditionExpression } = JSON.parse(Buffer.concat(chunks).toString());
    conditions.push(ConditionExpression);
    response.setHeader("content-type", "application/x-amz-json-1.0");
    response.sendDate = false;
    if (clock.ms !== undefined) response.setHeader("date", new Date(clock.ms).toUTCString());
    response.end(JSON.stringify({ Attributes }));
  });
  const table = await tableOnServer(server, now);
  return { conditions, settings: defaultSettings, table, now };
}

const neverTrue = "attribute_exists(license_id) AND attribute_not_exists(license_id)";

test.for([
  // The API's clock alone can't tell 5 s from a cold start.
  { clock: "ahead", functionMs: 5_000, databaseMs: 0, provenMs: 4_000 },
  { clock: "behind", functionMs: 0, databaseMs: 4_000, provenMs: -4_000 },
])(
  "once DynamoDB's answers prove that a clock is $clock, nothing is confirmed or decided until they prove it right",
  async ({ functionMs, databaseMs, provenMs }) => {
    const databaseClock = { ms: receivedByApiMs + databaseMs };
    let functionClockMs = receivedByApiMs + functionMs;
    const service = await serviceOnDatabaseAt(databaseClock, () => functionClockMs);
    const { conditions } = service;
    const decisions = () => conditions.filter((condition) => condition !== neverTrue).length;

    // The very answer that proves it confirms nothing.
    expect((await ask(service, "heartbeat")).status).toBe(500);
    expect(decisions()).toBe(1);
    for (const verb of ["heartbeat", "claim", "release"] as const) {
      expect((await ask(service, verb)).status).toBe(500);
    }
    expect(decisions()).toBe(1);
    expect(logged.mock.calls.at(-1)?.[0]).toMatchObject({
      error: {
        code: "clock_skew",
        difference_ms: provenMs,
        message: `The function's clock and DynamoDB's differ by ${provenMs} ms`,
      },
    });
    // Asked for the time, by an update of the license that is always refused.
    expect(conditions.filter((condition) => condition === neverTrue)).toHaveLength(3);

    functionClockMs = databaseClock.ms + 500;
    expect((await ask(service, "heartbeat")).status).toBe(200);
    expect(decisions()).toBe(2);
  },
);

test("an answer without a date proves nothing", async () => {
  const service = await serviceOnDatabaseAt({ ms: undefined }, () => receivedByApiMs);
  for (let beat = 0; beat < 2; beat++) {
    expect((await ask(service, "heartbeat")).status).toBe(200);
  }
});

test.for([
  [3_000, 200],
  [3_001, 500],
] as const)(
  "a request whose time is %i ms later than DynamoDB's date is answered %i, though the function agrees with it",
  async ([aheadMs, status]) => {
    const now = () => receivedByApiMs + 2_000;
    const service = await serviceOnDatabaseAt({ ms: receivedByApiMs }, now);
    const reply = await askOf(heartbeatHandler(service), receivedByApiMs + aheadMs);
    expect(reply.status).toBe(status);
    if (status === 200) return;
    const message = `The API's clock and DynamoDB's differ by ${aheadMs} ms`;
    expect(logged.mock.calls).toMatchObject([[{ error: { code: "clock_skew", message } }]]);
  },
);
