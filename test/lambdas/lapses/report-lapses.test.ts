import { EventBridgeClient, PutEventsCommand } from "@aws-sdk/client-eventbridge";
import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { mockClient } from "aws-sdk-client-mock";
import { beforeEach, describe, expect, test } from "vitest";
import type { LapseDetail } from "../../../lambdas/lapses/lapse-event.ts";
import { lapseReporter } from "../../../lambdas/lapses/report-lapses.ts";
import { engineForTests } from "../../support/engine-for-tests.ts";
import { clientFor, startDynamoDbLocal } from "../../support/engines.ts";

const scheduledMs = Date.UTC(2026, 0, 5, 12);
/** The window of that run ends 30 s before it and lasts a minute. */
const windowEndsMs = scheduledMs - 30_000;
const time = new Date(scheduledMs).toISOString();

const device_fingerprint = "desktop-7f3a9c";

function sessionLapsedAt(lapses_at: number, attributes: object = {}) {
  return {
    device_fingerprint,
    session_id: "the-session",
    run_id: "a-run-0123456789",
    claim_number: 1,
    started_at: lapses_at - 600_000,
    last_heartbeat: lapses_at - 60_000,
    lease_ms: 60_000,
    lapses_at,
    ...attributes,
  };
}

describe("a run of a minute", () => {
  const engine = engineForTests(startDynamoDbLocal);
  const bridge = mockClient(EventBridgeClient);
  let licenses = 0;

  beforeEach(() => {
    bridge.reset();
    bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 0 });
  });

  /** What the run reports of a license with these entries. */
  async function reported(attributes: object, at = time): Promise<LapseDetail[]> {
    const { endpoint, tableName } = engine();
    const license_id = `license-${++licenses}`;
    const client = clientFor(endpoint);
    const Item = {
      license_id,
      email: "ada@example.org",
      status: "active",
      max_sessions: 20,
      fencing_token: 1,
      ...attributes,
    };
    await DynamoDBDocumentClient.from(client).send(new PutCommand({ TableName: tableName, Item }));
    const events = new EventBridgeClient({ region: "local" });
    const report = lapseReporter({ tables: client, events, tableName, eventBusName: "the-bus" });
    bridge.resetHistory();
    await report({ time: at });
    const entries = bridge
      .commandCalls(PutEventsCommand)
      .flatMap(({ args }) => args[0].input.Entries ?? []);
    return entries
      .map(({ Detail = "" }) => JSON.parse(Detail))
      .filter((detail) => detail.license_id === license_id);
  }

  test.each([
    ["at the window's last millisecond", windowEndsMs - 1, 1],
    ["at its end, which is the next run's", windowEndsMs, 0],
    ["at its first millisecond", windowEndsMs - 60_000, 1],
    ["before it, which was the run before's", windowEndsMs - 60_001, 0],
    ["less than 30 s ago: it may come back", scheduledMs - 29_999, 0],
    ["not yet", scheduledMs + 1, 0],
  ])("reports a session that lapsed %s: %s, %i event", async (_when, lapsesAtMs, events) => {
    expect(await reported({ sessions: { ES: sessionLapsedAt(lapsesAtMs) } })).toHaveLength(events);
  });

  test("says who, what and when, and a sentence for people", async () => {
    const sessions = { ES: sessionLapsedAt(windowEndsMs - 1, { bot_status: "trading\u001b[2J" }) };
    const [detail] = await reported({ sessions });
    expect(detail).toMatchObject({
      email: "ada@example.org",
      device: "desktop...",
      symbols: ["ES"],
      status: "trading?[2J",
      lapsed_at: "2026-01-05T11:59:29.999Z",
      last_heartbeat: "2026-01-05T11:58:29.999Z",
      sentence:
        "The bot on desktop... (ada@example.org) has lost its session for ES: its last heartbeat came at 2026-01-05T11:58:29.999Z.",
    });
    expect(JSON.stringify(detail)).not.toContain(device_fingerprint);
  });

  test("is repeated by the same ids", async () => {
    const sessions = { ES: sessionLapsedAt(windowEndsMs - 1) };
    licenses = 1_000;
    const [first] = await reported({ sessions });
    licenses = 1_000;
    const [second] = await reported({ sessions });
    expect(second?.id).toBe(first?.id);
  });

  test("reports one session of 20 symbols once, with all of them", async () => {
    const symbols = Array.from({ length: 20 }, (_, index) => `S${index}`);
    const details = await reported({
      sessions: Object.fromEntries(symbols.map((symbol) => [symbol, "abc"])),
      portfolios: { abc: sessionLapsedAt(windowEndsMs - 1) },
    });
    expect(details.map(({ symbols: named }) => named.length)).toEqual([20]);
  });

  test.each([
    ["a released session", {}],
    [
      "one that was released and waits",
      { ES: { vacated_by: device_fingerprint, lapses_at: windowEndsMs - 1 } },
    ],
    [
      "an unnamed one, of a legacy bot",
      { ES: sessionLapsedAt(windowEndsMs - 1, { run_id: undefined, claim_number: undefined }) },
    ],
    ["an entry that nobody can read", { ES: { lapses_at: windowEndsMs - 1 } }],
  ])("does not report %s", async (_what, sessions) => {
    expect(await reported({ sessions: JSON.parse(JSON.stringify(sessions)) })).toEqual([]);
  });

  test("does not report what a new key has ended", async () => {
    const sessions = { ES: sessionLapsedAt(windowEndsMs - 1) };
    expect(await reported({ sessions, superseded_by: "the-new-license" })).toEqual([]);
  });

  test("fails, so that it is repeated, if an event was not accepted", async () => {
    bridge.on(PutEventsCommand).resolves({ FailedEntryCount: 1 });
    await expect(reported({ sessions: { ES: sessionLapsedAt(windowEndsMs - 1) } })).rejects.toThrow(
      "not accepted",
    );
  });

  test("fails without a scheduled time, instead of reporting nothing for ever", async () => {
    await expect(reported({ sessions: {} }, "soon")).rejects.toThrow("no scheduled time");
  });
});
