import { once } from "node:events";
import { createServer } from "node:http";
import { env } from "node:process";
import { afterEach, describe, expect, test, vi } from "vitest";
import { claimHandler } from "../../lambdas/claim-handler.ts";
import { heartbeatHandler } from "../../lambdas/heartbeat-handler.ts";
import { releaseHandler } from "../../lambdas/release-handler.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { provenDifferenceMs } from "../../lambdas/store/clock-skew.ts";
import { createClient } from "../../lambdas/store/dynamodb-client.ts";
import { openTable } from "../../lambdas/store/table.ts";
import { defaultSettings } from "../support/default-settings.ts";

const receivedByApiMs = Date.UTC(2026, 0, 5, 12);
const handlers = { claim: claimHandler, heartbeat: heartbeatHandler, release: releaseHandler };
const logged = vi.spyOn(console, "error").mockImplementation(() => {});

let stop: (() => Promise<unknown>) | undefined;
afterEach(async () => {
  logged.mockClear();
  await stop?.();
  stop = undefined;
});

async function ask(service: Service, verb: keyof typeof handlers) {
  const result = await handlers[verb](service)(
    {
      body: JSON.stringify({ license_key: "KEY", device_fingerprint: "device" }),
      isBase64Encoded: false,
      requestContext: { timeEpoch: receivedByApiMs },
    },
    { awsRequestId: "request-1" },
  );
  return { status: result.statusCode, body: JSON.parse(result.body ?? "") };
}

describe.for(Object.keys(handlers) as (keyof typeof handlers)[])("a %s", (verb) => {
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
    "of a function whose clock is %i ms from the API's is decided: %s",
    async ([differenceMs, decides]) => {
      let touched = 0;
      const update = async () => {
        touched++;
        return { applied: false as const, refusedBy: undefined };
      };
      const service: Service = {
        settings: defaultSettings,
        table: { get: async () => undefined, update },
        now: () => receivedByApiMs + differenceMs,
      };
      vi.spyOn(console, "info").mockImplementation(() => {});
      const { status, body } = await ask(service, verb);
      expect(touched > 0).toBe(decides);
      if (decides) return;
      expect(status).toBe(500);
      expect(body.code).toBe("internal_error");
      expect(JSON.stringify(body)).not.toMatch(/clock/i);
      expect(logged.mock.calls).toEqual([
        [
          expect.objectContaining({
            code: "internal_error",
            error: {
              name: "ClockSkew",
              code: "clock_skew",
              difference_ms: differenceMs,
              message: `The function's clock differs from the API's by ${differenceMs} ms`,
            },
          }),
        ],
      ]);
    },
  );
});

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

/** A database that answers each update as applied, and whose own clock stands at an instant. */
async function databaseAt(clock: { ms: number | undefined }) {
  const conditions: string[] = [];
  const item = {
    license_id: { S: "id" },
    status: { S: "active" },
    max_sessions: { N: "1" },
    sessions: { M: {} },
  };
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    const { ConditionExpression } = JSON.parse(Buffer.concat(chunks).toString());
    conditions.push(ConditionExpression);
    response.setHeader("content-type", "application/x-amz-json-1.0");
    response.sendDate = false;
    if (clock.ms !== undefined) response.setHeader("date", new Date(clock.ms).toUTCString());
    response.end(JSON.stringify({ Attributes: item }));
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" && address ? address.port : 0;
  stop = async () => {
    server.close();
    server.closeAllConnections();
    vi.unstubAllEnvs();
  };
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_REGION", "local");
  vi.stubEnv("AWS_ACCESS_KEY_ID", env.AWS_ACCESS_KEY_ID ?? "local");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", env.AWS_SECRET_ACCESS_KEY ?? "local");
  return conditions;
}

test.for([
  // The API's clock alone can't tell 5 s from a cold start.
  { clock: "ahead", functionMs: 5_000, databaseMs: 0, provenMs: 4_000 },
  { clock: "behind", functionMs: 0, databaseMs: 4_000, provenMs: -4_000 },
])(
  "once DynamoDB's answers prove that a clock is $clock, nothing is decided until they prove it right",
  async ({ functionMs, databaseMs, provenMs }) => {
    const databaseClock = { ms: receivedByApiMs + databaseMs };
    const conditions = await databaseAt(databaseClock);
    const isDecision = (condition: string) => condition.includes("device_fingerprint");
    const decisions = () => conditions.filter(isDecision).length;
    let functionClockMs = receivedByApiMs + functionMs;
    const now = () => functionClockMs;
    const table = openTable({ client: createClient(now), ...defaultSettings });
    const service: Service = { settings: defaultSettings, table, now };

    expect((await ask(service, "heartbeat")).status).toBe(200);
    expect(decisions()).toBe(1);
    for (const verb of ["heartbeat", "claim", "release"] as const) {
      expect((await ask(service, verb)).status).toBe(500);
    }
    expect(decisions()).toBe(1);
    expect(logged.mock.calls.at(-1)?.[0]).toMatchObject({
      error: {
        code: "clock_skew",
        difference_ms: provenMs,
        message: `The function's clock differs from DynamoDB's by ${provenMs} ms`,
      },
    });
    // Asked for the time, by an update of the license that is always refused.
    const neverTrue = "attribute_exists(license_id) AND attribute_not_exists(license_id)";
    expect(conditions.filter((condition) => condition === neverTrue)).toHaveLength(3);

    functionClockMs = databaseClock.ms + 500;
    expect((await ask(service, "heartbeat")).status).toBe(200);
    expect(decisions()).toBe(2);
  },
);

test("an answer without a date proves nothing", async () => {
  await databaseAt({ ms: undefined });
  const now = () => receivedByApiMs;
  const table = openTable({ client: createClient(now), ...defaultSettings });
  const service: Service = { settings: defaultSettings, table, now };
  for (let beat = 0; beat < 2; beat++) {
    expect((await ask(service, "heartbeat")).status).toBe(200);
  }
});
