import { describe, expect, test } from "vitest";
import {
  isLive,
  lapsedAtOrBeforeMs,
  maskFingerprint,
  type Session,
  secondsUntilLapse,
} from "../../../lambdas/sessions/session.ts";

const beatAtMs = 1_000_000;
const session: Session = {
  device_fingerprint: "device",
  session_id: "id",
  started_at: beatAtMs,
  last_heartbeat: beatAtMs,
};

test.for([
  [-5_000, true],
  [0, true],
  [59_999, true],
  [60_000, false],
  [60_001, false],
] as const)("%i ms after its last heartbeat a session of 60 s is live: %s", ([sinceMs, live]) => {
  expect(isLive(session, beatAtMs + sinceMs, 60_000)).toBe(live);
});

test("the bound of a condition expression says the same as isLive, at every instant around it", () => {
  for (let nowMs = beatAtMs + 59_990; nowMs <= beatAtMs + 60_010; nowMs++) {
    const lapsed = session.last_heartbeat <= lapsedAtOrBeforeMs(nowMs, 60_000);
    expect(lapsed).toBe(!isLive(session, nowMs, 60_000));
  }
});

test.for([
  [0, 60],
  [1, 60],
  [1_000, 59],
  [59_001, 1],
  [60_000, 0],
  [99_999, 0],
] as const)(
  "%i ms after the heartbeat the wait is %i s: rounded up, never negative",
  ([sinceMs, seconds]) => {
    expect(secondsUntilLapse(session, beatAtMs + sinceMs, 60_000)).toBe(seconds);
  },
);

describe("a fingerprint is shown to at most 8 characters and never more than half of it", () => {
  test.for([
    ["x", "..."],
    ["ab", "a..."],
    ["abcde", "ab..."],
    ["0123456789abcdef", "01234567..."],
    ["0123456789abcdefghijklmnop", "01234567..."],
    ["😀😀", "😀..."],
  ] as const)("%s is shown as %s", ([fingerprint, shown]) => {
    expect(maskFingerprint(fingerprint)).toBe(shown);
  });
});
