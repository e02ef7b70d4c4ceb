import { expect, test } from "vitest";
import { checkClaim, claim } from "../../../lambdas/sessions/claim.ts";
import { heartbeat } from "../../../lambdas/sessions/heartbeat.ts";
import type { License } from "../../../lambdas/sessions/license.ts";
import { release } from "../../../lambdas/sessions/release.ts";
import { leaseFrom, type Session } from "../../../lambdas/sessions/session.ts";
import type { SessionTable } from "../../../lambdas/sessions/table.ts";

// What no engine gives but by chance: the item that refuses a write is written out.

const nowMs = Date.UTC(2026, 0, 5, 12);
const time = { nowMs, sessionTimeoutMs: 60_000 };
const { signal } = new AbortController();
const own = "own-device-0123456789";
const caller = { licenseId: "id", deviceFingerprint: own, sessionSymbol: "ES" };
const claimOfEs = { ...caller, claimId: "own-claim", kind: "claim" } as const;
const holder = { ...caller, sessionId: undefined };
const report = { bot_version: undefined, bot_status: undefined, metadata: undefined };
const held: Session = {
  device_fingerprint: own,
  session_id: "held",
  started_at: nowMs,
  ...leaseFrom(nowMs, time.sessionTimeoutMs),
};

function licenseWith(attributes: Partial<License>): License {
  return {
    license_id: "id",
    status: "active",
    license_type: "standard",
    max_sessions: 20,
    fencing_token: 7,
    sessions: {},
    ...attributes,
  };
}

/** Refuses so many writes by this item, and applies the next one. */
function refusing(license: License, writes: number) {
  let count = 0;
  const table: SessionTable = {
    get: async () => license,
    async update() {
      if (++count > 500) throw new Error("It would never have ended");
      return count > writes ? { applied: true, license } : { applied: false, refusedBy: license };
    },
  };
  return { table, writes: () => count };
}

test("a claim gives up after 101 writes that rivals alone can't have refused", async () => {
  const { table, writes } = refusing(licenseWith({}), 101);
  const message = "A claim was refused more often than rivals can explain";
  await expect(claim(table, claimOfEs, time, signal)).rejects.toThrow(message);
  expect(writes()).toBe(101);
  expect((await claim(refusing(licenseWith({}), 100).table, claimOfEs, time, signal)).code).toBe(
    "granted",
  );
});

test("a heartbeat gives up after 4 writes that rivals alone can't have refused", async () => {
  const license = licenseWith({ sessions: { ES: held } });
  const { table, writes } = refusing(license, 4);
  const message = "A heartbeat was refused more often than rivals can explain";
  await expect(heartbeat(table, holder, report, time, signal)).rejects.toThrow(message);
  expect(writes()).toBe(4);
  const outcome = await heartbeat(refusing(license, 3).table, holder, report, time, signal);
  expect(outcome.code).toBe("recorded");
});

test("a release gives up after 4 writes that rivals alone can't have refused", async () => {
  const license = licenseWith({ sessions: { ES: held } });
  const { table, writes } = refusing(license, 4);
  const message = "A release was refused more often than rivals can explain";
  await expect(release(table, holder, nowMs, undefined, signal)).rejects.toThrow(message);
  expect(writes()).toBe(4);
  const outcome = await release(refusing(license, 3).table, holder, nowMs, undefined, signal);
  expect(outcome.code).toBe("released");
});

test.each([
  [0, "released"],
  [1, "left_to_lapse"],
] as const)(
  "a release spares a session that was claimed %i ms after the instant it is given: %s",
  async (afterMs, code) => {
    const license = licenseWith({ sessions: { ES: held } });
    const { table } = refusing(license, 1);
    expect((await release(table, holder, nowMs, nowMs - afterMs, signal)).code).toBe(code);
  },
);

test.each([
  ["the last token there is", { fencing_token: Number.MAX_SAFE_INTEGER }, "can't grow any more"],
  ["no seat", { max_sessions: 0 }, "A license can't have 0 seats"],
  ["less than no seat", { max_sessions: -1, sessions: { NQ: held } }, "can't have -1 seats"],
  [
    "an entry of the symbol that can't be read",
    { sessions: { ES: { unreadable: true, lapses_at: Number.POSITIVE_INFINITY } as never } },
    "An entry of the license can't be read",
  ],
] as const)("a license with %s fails in words of its own", async (_, attributes, message) => {
  const { table } = refusing(licenseWith(attributes), 0);
  await expect(checkClaim(table, claimOfEs, time, signal)).rejects.toThrow(message);
});
