import { describe, expect, test } from "vitest";
import { checkClaim, claim } from "../../../lambdas/rules/claim.ts";
import {
  granted,
  licenseWith,
  nowMs,
  openLicense,
  own,
  ownClaim,
  refusing,
  sessionOf,
  signal,
  time,
} from "./one-license.ts";

const { table, put, claimOfEs } = openLicense();

describe("a claim that is about to replace a session of its own device", () => {
  const secondWrite = { beforeWrite: 2 } as const;

  test("is contested until the end of the lease that a heartbeat has renewed meanwhile", async () => {
    await put({ ES: sessionOf(own, 20_000) }, 20);
    const renewed = {
      ...secondWrite,
      expression: "SET sessions.ES.lapses_at = :end",
      values: { end: nowMs + 75_000 },
    };
    expect(await claimOfEs("claim", renewed)).toEqual(granted(nowMs + 75_000));
  });

  test("is contested by the claim of a third copy that came between", async () => {
    await put({ ES: sessionOf(own, 20_000) }, 20);
    const third = {
      ...secondWrite,
      expression: "SET sessions.ES.session_id = :id, sessions.ES.contested_until = :end",
      values: { id: "third", end: nowMs + 90_000 },
    };
    expect(await claimOfEs("claim", third)).toEqual(granted(nowMs + 90_000));
  });

  test("is contested as long as an entry without holder, even one extended meanwhile", async () => {
    await put({ ES: { vacated_by: own, lapses_at: nowMs + 1 } }, 20);
    const longer = {
      ...secondWrite,
      expression: "SET sessions.ES.lapses_at = :end",
      values: { end: nowMs + 30_000 },
    };
    expect(await claimOfEs("claim", longer)).toEqual(granted(nowMs + 30_000));
  });

  test("is refused when another device has got the symbol meanwhile", async () => {
    await put({ ES: { vacated_by: own, lapses_at: nowMs + 1 } }, 20);
    const rival = { ES: sessionOf("another-device", 0) };
    const taken = {
      ...secondWrite,
      expression: "SET sessions.ES = :rival",
      values: { rival: rival.ES },
    };
    expect(await claimOfEs("claim", taken)).toEqual({ code: "session_conflict", sessions: rival });
  });

  test("needs no seat that was taken away meanwhile", async () => {
    await put({ ES: sessionOf(own, 20_000), NQ: sessionOf(own, 0) }, 2);
    const fewer = {
      ...secondWrite,
      expression: "SET max_sessions = :seats",
      values: { seats: 1 },
    };
    expect((await claimOfEs("claim", fewer)).code).toBe("granted");
  });
});

describe("a claim over a session of its symbol that has lapsed, on seats that were taken away", () => {
  const lapsed = sessionOf("another-device", 90_000);

  test("of its own device is marked as shared for a legacy bot, and for no other", async () => {
    await put({ ES: sessionOf(own, 60_000), NQ: lapsed }, 1);
    expect(await claimOfEs("claim")).toEqual(granted());
    await put({ ES: sessionOf(own, 60_000), NQ: lapsed }, 1);
    expect(await claimOfEs("legacy claim")).toEqual(granted(nowMs));
  });

  test("of another device is marked for nobody", async () => {
    await put({ ES: sessionOf("another-device", 60_000), NQ: lapsed }, 1);
    expect(await claimOfEs("legacy claim")).toEqual(granted());
  });

  test("needs a seat at the instant it has lapsed", async () => {
    const sessions = { ES: sessionOf(own, 60_000), NQ: sessionOf("another-device", 0) };
    await put(sessions, 2);
    const fewer = {
      beforeWrite: 2,
      expression: "SET max_sessions = :seats",
      values: { seats: 1 },
    } as const;
    expect(await claimOfEs("legacy claim", fewer)).toEqual({ code: "session_limit", sessions });
  });
});

describe("an attempt that finds the session of its own claim", () => {
  const ofOwnClaim = (ageMs: number) => ({ ...sessionOf(own, ageMs), session_id: "own-claim" });

  test("lapsed, and contested for longer, gets a lease of its own", async () => {
    await put({ ES: { ...ofOwnClaim(60_000), contested_until: nowMs + 10_000 } }, 20);
    expect(await claimOfEs("claim")).toEqual(granted(nowMs + 10_000));
  });

  test.each([
    ["of this instant, has made it: only its answer was lost", 0, true],
    ["of an earlier instant, has made nothing", 1, false],
  ] as const)("%s", async (_, ageMs, written) => {
    await put({ ES: ofOwnClaim(ageMs) }, 20);
    const outcome = await claim(table(), ownClaim, time, signal);
    expect(outcome).toMatchObject({ code: "granted", written, displaced: [] });
  });

  test("lapsed, on seats that were taken away, is refused like any other claim", async () => {
    const sessions = { ES: ofOwnClaim(60_000), NQ: sessionOf(own, 0) };
    await put(sessions, 1);
    expect(await claimOfEs("claim")).toEqual({ code: "session_limit", sessions });
  });

  test("live for a last millisecond, is granted it", async () => {
    const sessions = { ES: ofOwnClaim(59_999) };
    await put(sessions, 20);
    expect(await claimOfEs("claim")).toEqual({ code: "granted", sessions });
  });
});

test("a claim fails after 101 refused writes, more than rivals can explain", async () => {
  const { table, writes } = refusing(licenseWith({}), 101);
  const message = "A claim was refused more often than rivals can explain";
  await expect(claim(table, ownClaim, time, signal)).rejects.toThrow(message);
  expect(writes()).toBe(101);
  expect((await claim(refusing(licenseWith({}), 100).table, ownClaim, time, signal)).code).toBe(
    "granted",
  );
});

test.each([
  ["the last token there is", { fencing_token: Number.MAX_SAFE_INTEGER }, "can't grow any more"],
  ["no seat", { max_sessions: 0 }, "A license can't have 0 seats"],
  [
    "less than no seat",
    { max_sessions: -1, sessions: { NQ: sessionOf(own, 0) } },
    "can't have -1 seats",
  ],
  [
    "an entry of the symbol that can't be read",
    { sessions: { ES: { unreadable: true, lapses_at: Number.POSITIVE_INFINITY } as never } },
    "An entry of the license can't be read",
  ],
] as const)("a license with %s fails in words of its own", async (_, attributes, message) => {
  const { table } = refusing(licenseWith(attributes), 0);
  await expect(checkClaim(table, ownClaim, time, signal)).rejects.toThrow(message);
});
