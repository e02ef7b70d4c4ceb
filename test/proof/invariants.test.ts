import { expect, test } from "vitest";
import type { License } from "../../lambdas/rules/license.ts";
import type { Answer } from "./call.ts";
import { breaches } from "./invariants.ts";
import type { CallRecord } from "./recorder.ts";

const item: License = {
  license_id: "id",
  status: "active",
  license_type: "standard",
  max_sessions: 1,
  fencing_token: 2,
  sessions: { ES: sessionOf("alpha-0123456789", "id-1") },
};

function sessionOf(device_fingerprint: string, session_id: string) {
  return { device_fingerprint, session_id, started_at: 0, last_heartbeat: 0, lapses_at: 60_000 };
}

function claimed(
  device: string,
  startedAt: number,
  at: number,
  body: Answer["body"],
  symbol = "ES",
): CallRecord {
  const call = { verb: "claim" as const, device, symbol, nowMs: 0 };
  return { call, startedAt, ended: { at, answer: { status: 200, body } } };
}
const granted = (session_id: string, fencing_token: number) => ({
  code: "granted",
  session_id,
  fencing_token,
});

test("a history that keeps to the invariants has no breaches", () => {
  const conflict = { code: "session_conflict", active_device: "alpha-01..." };
  const history = [
    claimed("alpha-0123456789", 1, 3, granted("id-1", 2)),
    claimed("bravo-0123456789", 2, 4, conflict),
  ];
  expect(breaches(history, item, undefined)).toEqual([]);
});

test.for<[string, CallRecord[], License]>([
  [
    "oneWinnerForASymbol",
    [
      claimed("alpha-0123456789", 1, 3, granted("id-1", 1)),
      claimed("bravo-0123456789", 2, 4, granted("id-1", 2)),
    ],
    item,
  ],
  [
    "noMoreSessionsThanSeats",
    [],
    { ...item, sessions: { ...item.sessions, NQ: sessionOf("bravo-0123456789", "id-2") } },
  ],
  [
    "tokensRise",
    [
      claimed("alpha-0123456789", 1, 2, granted("id-1", 2)),
      claimed("bravo-0123456789", 3, 4, granted("id-2", 1), "NQ"),
    ],
    item,
  ],
  [
    "tokensRise",
    [
      claimed("alpha-0123456789", 1, 3, granted("id-1", 2)),
      claimed("bravo-0123456789", 2, 4, granted("id-2", 2), "NQ"),
    ],
    item,
  ],
  [
    "losersAreToldTheTruth",
    [claimed("bravo-0123456789", 1, 2, { code: "session_conflict", active_device: "zulu-012..." })],
    item,
  ],
  [
    "losersAreToldTheTruth",
    [claimed("bravo-0123456789", 1, 2, { code: "session_conflict", active_device: "bravo-01..." })],
    item,
  ],
  ["noFalseSuccess", [claimed("alpha-0123456789", 1, 2, granted("id-9", 2))], item],
])("%s is found to be broken", ([name, history, after]) => {
  const found = breaches(history, after, undefined).map((breach) => breach.split(":")[0]);
  expect(new Set(found)).toEqual(new Set([name]));
});
