import { expect, test } from "vitest";
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

function release(askedAtMs: number, session_id: string): Exchange {
  return { program: 0, route: "release", askedAtMs, sent: { session_id } };
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

test.for<[what: string, exchanges: Exchange[], rights: [fromMs: number, untilMs: number][]]>([
  ["begins with the answer, counted from the sending", [granted(1_000, 4_000)], [[4_000, 6_000]]],
  [
    "is lengthened by each confirmation, and not by what confirms nothing",
    [
      granted(0, 0),
      heartbeat(2_000, "recorded", 5_000),
      heartbeat(4_000, "internal_error"),
      heartbeat(5_000, "heartbeat_late"),
    ],
    [[0, 7_000]],
  ],
  [
    "is never shortened by a later confirmation, as an earlier one stands",
    [granted(0, 0, 9_000), heartbeat(2_000, "recorded", 3_000)],
    [[0, 9_000]],
  ],
  ...["session_taken", "session_not_found", "license_expired"].map(
    (code): [string, Exchange[], [number, number][]] => [
      `ends with ${code}`,
      [granted(0, 0), heartbeat(2_000, code)],
      [[0, 2_000]],
    ],
  ),
  ["ends when the program releases", [granted(0, 0), release(1_000, "s-1")], [[0, 1_000]]],
  [
    "may come back after it was over",
    [granted(0, 0), heartbeat(8_000, "recorded", 5_000)],
    [
      [0, 5_000],
      [8_000, 13_000],
    ],
  ],
])("the right %s", ([, exchanges, rights]) => {
  expect(rightsOf(exchanges)).toEqual(rights.map(([fromMs, untilMs]) => ({ fromMs, untilMs })));
});

test("a TRADE that was on its way when the right ended passes, a later one fails", () => {
  expect(findingsOf([granted(0, 0)], every100Ms(0, 5_300))).toEqual([]);
  expect(findingsOf([granted(0, 0)], every100Ms(0, 5_400))).toEqual(["traded-without-right"]);
});

test("what only the examiner's own lag has made late passes", () => {
  const trades = every100Ms(0, 5_450);
  expect(findingsOf([granted(0, 0)], trades, {}, 200)).toEqual([]);
  expect(findingsOf([granted(0, 0)], trades)).toEqual(["traded-without-right"]);
});

test("a program fails if it trades before it has a right", () => {
  expect(findingsOf([granted(2_000, 2_000)], every100Ms(1_000, 6_900))).toEqual([
    "traded-without-right",
  ]);
});

test("a silence of 6 s passes, as a program that blocks waits for an answer, a longer one fails", () => {
  const exchanges = [granted(0, 0, 20_000)];
  expect(findingsOf(exchanges, [100, 6_100])).toEqual([]);
  expect(findingsOf(exchanges, [100, 6_200])).toEqual(["stopped-with-right"]);
});

test("the one TRADE passes that was caught between the clock and the print when it was stopped", () => {
  const paused = [{ fromMs: 1_000, untilMs: 9_000 }];
  expect(findingsOf([granted(0, 0)], [900, 9_050], { paused })).toEqual([]);
  expect(findingsOf([granted(0, 0)], [900, 9_050, 9_150], { paused })).toEqual([
    "traded-without-right",
  ]);
});

test("a program fails if it releases a session that it was never granted", () => {
  expect(findingsOf([granted(0, 0), release(1_000, "of another")], [100])).toEqual([
    "released-wrong-session",
  ]);
});

test("a program fails if it asks eleven times within a second", () => {
  const beats = every100Ms(2_000, 2_900).map((atMs) => heartbeat(atMs, "internal_error"));
  expect(findingsOf([granted(1_950, 1_950), ...beats], [2_000])).toEqual(["asked-too-often"]);
  expect(findingsOf([granted(0, 0), ...beats], [100])).toEqual([]);
});
