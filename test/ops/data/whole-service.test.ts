import { describe, expect, test } from "vitest";
import { type LicenseItem, licenseItemSchema } from "../../../ops/data/license-item.ts";
import { presentState } from "../../../ops/data/present-state.ts";
import { refusalsOf } from "../../../ops/data/refusals.ts";
import { usageOf } from "../../../ops/data/usage.ts";
import { claimed, hourMs, linesFrom, minuteMs, released } from "./lines.ts";

const sinceMs = Date.UTC(2026, 9, 1);
const untilMs = Date.UTC(2026, 10, 1);
const linesOf = linesFrom(sinceMs, hourMs, "one");

function license(license_id: string, more: object = {}): LicenseItem {
  const needed = { license_id, status: "active", max_sessions: 1, sessions: {} };
  return licenseItemSchema.parse({ ...needed, ...more });
}

const a = { device: "a...", device_hash: "aaaaaaaaaa" };
const b = { device: "b...", device_hash: "bbbbbbbbbb" };

describe("usage of a month", () => {
  const period = { sinceMs, untilMs, nowMs: untilMs + 20 * 24 * hourMs };

  test("counts licenses that were held, their devices, days and hours, and refusals and failures apart", () => {
    const lines = linesOf(
      [10, claimed(a, "1")],
      [12, { code: "session_conflict", ...b }],
      [13, { code: "internal_error", ...a }],
      [14, released(a, "1")],
      [40, claimed(b, "2")],
      [41, released(b, "2")],
      [50, { license_id: "two", code: "license_expired", ...a }],
    );
    const usage = usageOf(lines, [license("one", { email: "ada@example.com" })], period);
    expect(usage).toMatchObject({ active_licenses: 1, devices: 2, hours: 5 });
    expect(usage.licenses).toMatchObject([
      {
        license_id: "one",
        email: "ada@example.com",
        devices: 2,
        days: 2,
        hours: 5,
        claims: 2,
        refusals: 1,
        failures: 1,
      },
      { license_id: "two", devices: 0, hours: 0, refusals: 1 },
    ]);
  });

  test("has a license that was claimed before and ran all month, by its line of each day", () => {
    const active = { event: "session_active", session_id: "1", ...a };
    const days = Array.from({ length: 33 }, (_, day): [number, typeof active] => [
      day * 24 - 12,
      active,
    ]);
    const usage = usageOf(linesOf(...days), [], period);
    expect(usage.licenses).toMatchObject([{ days: 31, hours: 31 * 24, claims: 0, devices: 1 }]);
  });

  test("two symbols at once are one hour an hour", () => {
    const lines = linesOf(
      [1, { ...claimed(a, "1"), symbol: "ES" }],
      [1, { ...claimed(a, "2"), symbol: "NQ" }],
      [3, { ...released(a, "1"), symbol: "ES" }],
      [3, { ...released(a, "2"), symbol: "NQ" }],
    );
    expect(usageOf(lines, [], period).licenses).toMatchObject([{ hours: 2 }]);
  });

  test("the use of an earlier key counts for the license as it is now", () => {
    const lines = linesOf(
      [1, { ...claimed(a, "1"), license_id: "old" }],
      [2, { ...released(a, "1"), license_id: "old" }],
      [3, claimed(a, "2")],
      [4, released(a, "2")],
    );
    const old = license("old", { superseded_by: "one", superseded_status: "active" });
    expect(usageOf(lines, [license("one"), old], period)).toMatchObject({
      active_licenses: 1,
      licenses: [{ license_id: "one", hours: 2 }],
    });
  });
});

describe("refusals", () => {
  const period = { sinceMs, untilMs, nowMs: untilMs };

  test("one while another device held it is explained, one while nobody did is not", () => {
    const lines = linesOf(
      [0.5, { code: "session_conflict", ...b }],
      [1, claimed(a, "1")],
      [2, { code: "session_conflict", ...b }],
      [3, released(a, "1")],
      [5, { code: "session_conflict", ...b }],
    );
    expect(refusalsOf(lines, [], period).devices).toMatchObject([{ count: 3, unexplained: 2 }]);
  });

  test.for([
    [1, "the usual one", {}],
    [5, "a license's own timeout", { session_timeout_seconds: 300 }],
    [
      5,
      "the service's",
      { sessions: { ES: { vacated_by: "a", lapses_at: 0, lease_ms: 300_000 } } },
    ],
  ] as const)(
    "one after a crash is explained for the %i minutes of the lease: %s",
    ([minutes, , more]) => {
      const taken = { symbol: "ES", ...a, state: "lapsed", last_heartbeat: sinceMs + 2 * hourMs };
      const lines = linesOf(
        [1, claimed(a, "1")],
        [2 + minutes / 60, { code: "session_conflict", ...b }],
        [2 + (minutes + 1) / 60, { code: "session_conflict", ...b }],
        [3, claimed(b, "2", { replaced: [taken] })],
      );
      const { devices } = refusalsOf(lines, [license("one", more)], period);
      expect(devices).toMatchObject([{ count: 2, unexplained: 1 }]);
    },
  );

  test("one under a new key is explained by what was held under the earlier one", () => {
    const lines = linesOf(
      [1, { ...claimed(a, "1"), license_id: "old" }],
      [2, { event: "license_changed", license_id: "old", verb: "rekey", sessions_ended: ["ES"] }],
      [2, { code: "session_conflict", ...b }],
    );
    const old = license("old", { superseded_by: "one", superseded_status: "active" });
    const { devices } = refusalsOf(lines, [license("one"), old], period);
    expect(devices).toMatchObject([{ count: 1, unexplained: 0 }]);
  });

  test("requests that failed are an outage, and refusals beside it are counted as in it", () => {
    const failed = { code: "internal_error", ...a };
    const lines = linesOf(
      [1, failed],
      [1 + 2 / 60, failed],
      [1 + 4 / 60, { code: "license_unknown", ...b }],
      [9, { code: "license_unknown", ...b }],
    );
    const { outages, devices, by_code } = refusalsOf(lines, [], period);
    expect(outages).toEqual([
      { from: sinceMs + hourMs, until: sinceMs + hourMs + 2 * minuteMs, failures: 2, licenses: 1 },
    ]);
    expect(by_code).toEqual([{ code: "license_unknown", count: 2, licenses: 1 }]);
    expect(devices).toMatchObject([{ code: "license_unknown", count: 2, in_outage: 1 }]);
  });
});

describe("the service now", () => {
  const nowMs = sinceMs + 100 * hourMs;
  const session = (device_fingerprint: string, bot_version?: string, session_id = "1") => ({
    device_fingerprint,
    session_id,
    started_at: nowMs - hourMs,
    last_heartbeat: nowMs - 1_000,
    lapses_at: nowMs + 59_000,
    bot_version,
  });

  test("counts live bots by version, refusals by code without failures, and what ends within a week", () => {
    const licenses = [
      license("one", { sessions: { ES: session("a", "1.2"), NQ: session("a", "1.2", "2") } }),
      license("two", { sessions: { "*": session("b") }, license_expiration: nowMs + 48 * hourMs }),
      // One session of two symbols.
      license("several", {
        sessions: { ES: "abc", NQ: "abc" },
        portfolios: { abc: session("c", "2.0") },
      }),
      license("three", { license_expiration: nowMs + 900 * hourMs, status: "suspended" }),
    ];
    const lines = linesOf(
      [90, { code: "session_conflict", ...a }],
      [91, { code: "internal_error", ...a }],
    );
    expect(presentState(licenses, lines, nowMs)).toMatchObject({
      service: { state: "answering", since: sinceMs + 91 * hourMs },
      online: { sessions: 4, devices: 3, licenses: 3 },
      by_version: [
        { version: "1.2", sessions: 2 },
        { version: null, sessions: 1 },
        { version: "2.0", sessions: 1 },
      ],
      refusals: [{ code: "session_conflict", count: 1 }],
      standings: { active: 3, suspended: 1 },
      ending_soon: [{ license_id: "two", days_left: 2 }],
    });
  });

  test("says that requests fail, and since when", () => {
    const failed = { code: "internal_error", ...a };
    const lines = linesOf([99.96, failed], [99.99, failed]);
    const { service } = presentState([license("one")], lines, nowMs);
    expect(service).toEqual({ state: "failing", since: sinceMs + 99.96 * hourMs });
  });

  test("without a live bot says when the last heartbeat came", () => {
    const gone = { ...session("a"), last_heartbeat: nowMs - hourMs, lapses_at: nowMs - 1 };
    for (const more of [
      { sessions: { ES: gone } },
      { sessions: { ES: "abc" }, portfolios: { abc: gone } },
    ]) {
      const { service } = presentState([license("one", more)], [], nowMs);
      expect(service).toEqual({ state: "quiet", since: nowMs - hourMs });
    }
  });
});
