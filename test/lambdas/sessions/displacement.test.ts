import { PutCommand, UpdateCommand } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { claim } from "../../../lambdas/sessions/claim.ts";
import type { License } from "../../../lambdas/sessions/license.ts";
import { leaseFrom, type Session } from "../../../lambdas/sessions/session.ts";
import { openTable, type SessionTable } from "../../../lambdas/sessions/table.ts";
import { openInProcessDynalite } from "../../support/in-process-dynalite.ts";

const nowMs = Date.UTC(2026, 0, 5, 12);
const time = { nowMs, sessionTimeoutMs: 60_000 };
const { signal } = new AbortController();
const licenseId = "a".repeat(64);
const own = "own-device-0123456789";

let engine: Awaited<ReturnType<typeof openInProcessDynalite>>;
let table: SessionTable;
beforeAll(async () => {
  engine = await openInProcessDynalite();
  table = openTable(engine);
});
afterAll(() => engine.stop());

function sessionOf(device_fingerprint: string, ageMs: number): Session {
  const at = nowMs - ageMs;
  return {
    device_fingerprint,
    session_id: "held",
    started_at: at,
    ...leaseFrom(at, time.sessionTimeoutMs),
  };
}

/** Both seats are taken; the one of LAPSED may be had. */
beforeEach(async () => {
  const license: License = {
    license_id: licenseId,
    status: "active",
    license_type: "standard",
    max_sessions: 2,
    fencing_token: 7,
    sessions: { LAPSED: sessionOf("another-device", 60_000), LIVE: sessionOf("a-third-device", 0) },
  };
  await engine.client.send(new PutCommand({ TableName: engine.tableName, Item: license }));
});

/** What somebody else does after a claim for ES has seen that LAPSED has lapsed, before it takes its seat. */
async function claimWhile(expression: string, values: Record<string, unknown>) {
  const attributes = Object.fromEntries(
    Object.entries(values).map(([name, value]) => [`:${name}`, value]),
  );
  let writes = 0;
  const watched: SessionTable = {
    ...table,
    async update(change, until) {
      if (++writes === 2) {
        await engine.client.send(
          new UpdateCommand({
            TableName: engine.tableName,
            Key: { license_id: licenseId },
            UpdateExpression: expression,
            ExpressionAttributeValues: attributes,
          }),
        );
      }
      return table.update(change, until);
    },
  };
  const caller = {
    licenseId,
    deviceFingerprint: own,
    sessionSymbol: "ES",
    claimId: "own-claim",
    kind: "claim" as const,
  };
  const { code } = await claim(watched, caller, time, signal);
  expect(writes).toBeGreaterThanOrEqual(2);
  const license = await table.get(licenseId, signal);
  return { code, symbols: Object.keys(license?.sessions ?? {}).sort() };
}

describe("a claim that is about to displace a lapsed session", () => {
  test("displaces none when its symbol has got a seat meanwhile", async () => {
    const made = { made: sessionOf(own, 0) };
    expect(await claimWhile("SET sessions.ES = :made REMOVE sessions.LIVE", made)).toEqual({
      code: "granted",
      symbols: ["ES", "LAPSED"],
    });
  });

  test("is refused when the license has got fewer seats meanwhile", async () => {
    expect(await claimWhile("SET max_sessions = :seats", { seats: 1 })).toEqual({
      code: "session_limit",
      symbols: ["LAPSED", "LIVE"],
    });
  });

  test("is refused when the license has got more sessions meanwhile", async () => {
    const made = { made: sessionOf("a-fourth-device", 0) };
    expect(await claimWhile("SET sessions.MORE = :made", made)).toEqual({
      code: "session_limit",
      symbols: ["LAPSED", "LIVE", "MORE"],
    });
  });

  test("is refused when the session has been revived meanwhile", async () => {
    expect(await claimWhile("SET sessions.LAPSED.lapses_at = :end", { end: nowMs + 1 })).toEqual({
      code: "session_limit",
      symbols: ["LAPSED", "LIVE"],
    });
  });

  test("takes the free seat when the session has been released meanwhile", async () => {
    expect(
      await claimWhile("SET fencing_token = :token REMOVE sessions.LAPSED", { token: 7 }),
    ).toEqual({
      code: "granted",
      symbols: ["ES", "LIVE"],
    });
  });
});
