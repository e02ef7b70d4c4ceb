import { describe, expect, test } from "vitest";
import { heartbeat } from "../../../lambdas/rules/heartbeat.ts";
import { leaseFrom } from "../../../lambdas/rules/session.ts";
import {
  holder,
  licenseWith,
  noReport,
  nowMs,
  openLicense,
  own,
  refusing,
  sessionOf,
  signal,
  time,
} from "./one-license.ts";

const { put, interrupted, sessions } = openLicense();

describe("a heartbeat that keeps a lease that is longer than its own", () => {
  test.each([30_000, 60_000])("renews one that has %i ms left meanwhile", async (leftMs) => {
    const session = sessionOf(own, 20_000);
    await put({ ES: { ...session, lapses_at: nowMs + 90_000 } }, 20);
    const { watched, writes, happened } = interrupted({
      beforeWrite: 2,
      expression: "SET sessions.ES.lapses_at = :end",
      values: { end: nowMs + leftMs },
    });
    const outcome = await heartbeat(
      watched,
      { ...holder, sessionId: "held" },
      noReport,
      time,
      signal,
    );
    expect(outcome.code).toBe("recorded");
    expect(happened()).toBe(true);
    expect(writes()).toBe(3);
    expect(await sessions()).toEqual({
      ES: { ...session, ...leaseFrom(nowMs, time.sessionTimeoutMs) },
    });
  });
});

test("a heartbeat fails after 4 refused writes, more than rivals can explain", async () => {
  const license = licenseWith({ sessions: { ES: sessionOf(own, 0) } });
  const { table, writes } = refusing(license, 4);
  const message = "A heartbeat was refused more often than rivals can explain";
  await expect(heartbeat(table, holder, noReport, time, signal)).rejects.toThrow(message);
  expect(writes()).toBe(4);
  const outcome = await heartbeat(refusing(license, 3).table, holder, noReport, time, signal);
  expect(outcome.code).toBe("recorded");
});
