import { DynamoDBDocumentClient, PutCommand } from "@aws-sdk/lib-dynamodb";
import { expect, onTestFinished, test, vi } from "vitest";
import { startEventBus } from "../../../local/events/start-event-bus.ts";
import { startSchedule } from "../../../local/events/start-schedule.ts";
import { functionEnvironment } from "../../../local/functions/function-environment.ts";
import { startFunction } from "../../../local/functions/start-function.ts";
import { interpretTemplate } from "../../../local/template/interpret-template.ts";
import { synthesize } from "../../../local/template/synthesize.ts";
import { clientFor, startDynalite } from "../../support/engines.ts";
import { tempFolder } from "../support/temp-folder.ts";

test("a bot that died is shown as a line, by the function of the stack on its schedule", async () => {
  const folder = await tempFolder();
  const stack = { lapseEvents: "true", "license-sessions:own-engine": "true" };
  const app = interpretTemplate(
    await synthesize(folder, stack, new AbortController().signal),
    folder,
  );
  const spec = app.functions.find(({ id }) => app.everyMinute.includes(id));
  if (!spec) throw new Error("No function runs each minute");

  const engine = await startDynalite();
  const shown: string[] = [];
  await using bus = await startEventBus((type, detail) => shown.push(`${type} ${detail}`));
  const environment = functionEnvironment(
    spec,
    { endpoint: engine.endpoint, isOwn: true },
    bus.endpoint,
  );
  await using host = startFunction({
    ...spec,
    environment: { ...environment, TABLE_NAME: engine.tableName },
    log() {},
  });

  const diedAtMs = Date.UTC(2026, 0, 5, 12);
  const session = {
    device_fingerprint: "desktop-7f3a9c",
    session_id: "the-session",
    run_id: "a-run-0123456789",
    claim_number: 1,
    started_at: diedAtMs,
    last_heartbeat: diedAtMs,
    lease_ms: 60_000,
    lapses_at: diedAtMs + 60_000,
  };
  const Item = {
    license_id: "of-ada",
    status: "active",
    max_sessions: 1,
    fencing_token: 1,
    sessions: { ES: session },
  };
  await DynamoDBDocumentClient.from(clientFor(engine.endpoint)).send(
    new PutCommand({ TableName: engine.tableName, Item }),
  );
  for (const minute of [1, 2, 3]) {
    const time = new Date(diedAtMs + minute * 60_000).toISOString();
    expect(await host.invoke({ time }, `minute-${minute}`)).toEqual({
      answered: true,
      result: { lapses: minute === 2 ? 1 : 0 },
    });
  }
  await engine.stop();
  expect(shown).toHaveLength(1);
  expect(shown[0]).toContain("The bot on desktop... (license of-ada) has lost its session for ES");
});

test("a schedule runs at each full minute, and once for those that the machine slept through", () => {
  const now = Date.UTC(2026, 0, 5, 12, 0, 20);
  vi.useFakeTimers({ now, toFake: ["setTimeout", "clearTimeout", "Date"] });
  onTestFinished(() => void vi.useRealTimers());
  const times: string[] = [];
  const schedule = startSchedule(({ time }) => times.push(time.slice(11, 19)));
  vi.advanceTimersByTime(40_000);
  // A timer may be a millisecond early.
  vi.setSystemTime(Date.now() - 1);
  vi.advanceTimersByTime(60_001);
  vi.setSystemTime(Date.now() + 5 * 60_000);
  vi.advanceTimersByTime(120_000);
  expect(times).toEqual(["12:01:00", "12:02:00", "12:08:00", "12:09:00"]);
  schedule[Symbol.dispose]();
  expect(vi.getTimerCount()).toBe(0);
});

test("the bus takes nothing but events", async () => {
  await using bus = await startEventBus(() => {
    throw new Error("Nothing was put");
  });
  const answer = await fetch(bus.endpoint, { method: "POST", body: "no JSON" });
  expect(answer.status).toBe(400);
});
