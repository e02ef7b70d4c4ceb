import { GetCommand, PutCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { heartbeat } from "../../../lambdas/rules/heartbeat.ts";
import { leaseFrom } from "../../../lambdas/rules/session.ts";
import { openTable } from "../../../lambdas/store/table.ts";
import { openInProcessDynalite } from "../../support/in-process-dynalite.ts";

const nowMs = Date.UTC(2026, 0, 5, 12);
const licenseId = "a".repeat(64);

let engine: Awaited<ReturnType<typeof openInProcessDynalite>>;
beforeAll(async () => {
  engine = await openInProcessDynalite();
});
afterAll(() => engine.stop());

test("a report may have fields whose names are reserved words of DynamoDB", async () => {
  const { client, tableName } = engine;
  const session = { device_fingerprint: "device", session_id: "held", started_at: nowMs };
  const license = {
    license_id: licenseId,
    status: "active",
    max_sessions: 1,
    sessions: { ES: { ...session, ...leaseFrom(nowMs, 60_000) } },
  };
  await client.send(new PutCommand({ TableName: tableName, Item: license }));

  const report = { bot_version: "1", bot_status: "s", metadata: "{}", value: "v", position: "p" };
  const holder = { licenseId, deviceFingerprint: "device", sessionSymbol: "ES", sessionId: "held" };
  const time = { nowMs, sessionTimeoutMs: 60_000 };
  const { signal } = new AbortController();
  const outcome = await heartbeat(openTable(engine), holder, report, time, signal);

  expect(outcome.code).toBe("recorded");
  const Key = { license_id: licenseId };
  const { Item } = await client.send(new GetCommand({ TableName: tableName, Key }));
  expect(Item?.sessions.ES).toMatchObject(report);
});
