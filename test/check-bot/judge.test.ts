import { describe, expect, test } from "vitest";
import { judge, rightsOf } from "../../check-bot/judge.ts";
import type { Exchange, ProgramRecord } from "../../check-bot/record.ts";

const licenseKey = "CHECK-1";

function granted(askedAtMs: number, answeredAtMs: number, heldForMs = 5_000): Exchange {
  return {
    program: 0,
    route: "claim",
    askedAtMs,
    sent: { run_id: "0123456789abcdef", claim_number: 1 },
    answer: { atMs: answeredAtMs, status: 200, code: "granted", sessionId: "s-1", heldForMs },
  };
}

function heartbeat(askedAtMs: number, code: string, heldForMs?: number): Exchange {
  const answer = { atMs: askedAtMs, status: heldForMs ? 200 : 500, code };
  return {
    program: 0,
    route: "heartbeat",
    askedAtMs,
    sent: { session_id: "s-1" },
    answer: heldForMs ? { ...answer, heldForMs } : answer,
  };
}

function findingsOf(
  exchanges: Exchange[],
  tradesAtMs: number[],
  more: Partial<ProgramRecord> = {},
  lagMs = 0,
) {
  const program: ProgramRecord = {
    startedAtMs: 0,
    tradesAtMs,
    paused: [],
    output: "",
    bursts: 0,
    ...more,
  };
  const record = { exchanges, programs: [program] };
  const endedAtMs = Math.max(...tradesAtMs, 0);
  return judge({ record, licenseKey, endedAtMs, lagMs }).map(({ kind }) => kind);
}

function every100Ms(fromMs: number, untilMs: number): number[] {
  const times: number[] = [];
  for (let atMs = fromMs; atMs <= untilMs; atMs += 100) times.push(atMs);
  return times;
}

describe("the right", () => {
  test("begins with the answer and is counted from the sending", () => {
    expect(rightsOf([granted(1_000, 4_000)])).toEqual([{ fromMs: 4_000, untilMs: 6_000 }]);
  });

  test("is lengthened by each confirmation, and not by what confirms nothing", () => {
    const exchanges = [
      granted(0, 0),
      heartbeat(2_000, "recorded", 5_000),
      heartbeat(4_000, "internal_error"),
      heartbeat(5_000, "heartbeat_late"),
    ];
    expect(rightsOf(exchanges)).toEqual([{ fromMs: 0, untilMs: 7_000 }]);
  });

  test("is never shortened by a later confirmation, as an earlier one stands", () => {
    const exchanges = [granted(0, 0, 9_000), heartbeat(2_000, "recorded", 3_000)];
    expect(rightsOf(exchanges)).toEqual([{ fromMs: 0, untilMs: 9_000 }]);
  });

  test.for(["session_taken", "session_not_found", "license_expired"])("ends with %s", (code) => {
    expect(rightsOf([granted(0, 0), heartbeat(2_000, code)])).toEqual([
      { fromMs: 0, untilMs: 2_000 },
    ]);
  });

  test("ends when the program releases", () => {
    const release: Exchange = {
      program: 0,
      route: "release",
      askedAtMs: 1_000,
      sent: { session_id: "s-1" },
    };
    expect(rightsOf([granted(0, 0), release])).toEqual([{ fromMs: 0, untilMs: 1_000 }]);
  });

  test("may come back after it was over", () => {
    expect(rightsOf([granted(0, 0), heartbeat(8_000, "recorded", 5_000)])).toEqual([
      { fromMs: 0, untilMs: 5_000 },
      { fromMs: 8_000, untilMs: 13_000 },
    ]);
  });
});

describe("a program fails", () => {
  test("if it trades beyond its right", () => {
    expect(findingsOf([granted(0, 0)], every100Ms(0, 6_000))).toEqual(["traded-without-right"]);
  });

  test("if it trades before it has one", () => {
    expect(findingsOf([granted(2_000, 2_000)], every100Ms(1_000, 6_900))).toEqual([
      "traded-without-right",
    ]);
  });

  test("if it trades on after the session was taken", () => {
    const exchanges = [granted(0, 0), heartbeat(2_000, "session_taken")];
    expect(findingsOf(exchanges, every100Ms(0, 4_000))).toEqual(["traded-without-right"]);
  });

  test("if it does not trade for more than 6 s, although it has the right", () => {
    const exchanges = [granted(0, 0, 20_000)];
    expect(findingsOf(exchanges, [100, 6_200])).toEqual(["stopped-with-right"]);
  });

  test("if it exits while it has the right", () => {
    const exited = { atMs: 1_000, how: "code 1" };
    expect(findingsOf([granted(0, 0)], every100Ms(0, 4_000), { exited })).toEqual([
      "ended-with-right",
    ]);
  });

  test("if it prints the license key", () => {
    expect(findingsOf([granted(0, 0)], [100], { output: `key ${licenseKey}\n` })).toEqual([
      "leaked-key",
    ]);
  });

  test("if it claims again after an answer that says to stop", () => {
    const exchanges = [
      granted(0, 0),
      heartbeat(2_000, "session_replaced"),
      { ...granted(3_000, 3_000), sent: { run_id: "0123456789abcdef", claim_number: 2 } },
    ];
    expect(findingsOf(exchanges, [100])).toEqual(["claimed-again"]);
  });

  test("if it releases a session that it was never granted", () => {
    const release: Exchange = {
      program: 0,
      route: "release",
      askedAtMs: 1_000,
      sent: { session_id: "of another" },
    };
    expect(findingsOf([granted(0, 0), release], [100])).toEqual(["released-wrong-session"]);
  });

  test("if it asks eleven times within a second", () => {
    const beats = every100Ms(2_000, 2_900).map((atMs) => heartbeat(atMs, "internal_error"));
    expect(findingsOf([granted(1_950, 1_950), ...beats], [2_000])).toEqual(["asked-too-often"]);
    expect(findingsOf([granted(0, 0), ...beats], [100])).toEqual([]);
  });
});

describe("a program passes", () => {
  test("with a TRADE that was on its way when the right ended", () => {
    expect(findingsOf([granted(0, 0)], every100Ms(0, 5_300))).toEqual([]);
  });

  test("with a silence of 6 s, as a program that blocks waits for an answer", () => {
    expect(findingsOf([granted(0, 0, 20_000)], [100, 6_100])).toEqual([]);
  });

  test("with the one TRADE that was caught between the clock and the print when it was stopped", () => {
    const paused = [{ fromMs: 1_000, untilMs: 9_000 }];
    expect(findingsOf([granted(0, 0)], [900, 9_050], { paused })).toEqual([]);
    expect(findingsOf([granted(0, 0)], [900, 9_050, 9_150], { paused })).toEqual([
      "traded-without-right",
    ]);
  });

  test("with what only the examiner's own lag has made late", () => {
    const trades = every100Ms(0, 5_450);
    expect(findingsOf([granted(0, 0)], trades, {}, 200)).toEqual([]);
    expect(findingsOf([granted(0, 0)], trades)).toEqual(["traded-without-right"]);
  });
});
