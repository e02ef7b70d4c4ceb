import { describe, expect, test } from "vitest";
import {
  freeAtMs,
  isShownAsLive,
  leaseFrom,
  maskFingerprint,
  type Session,
  secondsUntilFree,
} from "../../../lambdas/rules/session.ts";

const beatAtMs = 1_000_000;
const session: Session = {
  device_fingerprint: "device",
  session_id: "id",
  started_at: beatAtMs,
  ...leaseFrom(beatAtMs, 60_000),
};

test.for([
  [-5_000, true],
  [0, true],
  [59_999, true],
  [60_000, false],
  [60_001, false],
] as const)("%i ms after its last heartbeat a session of 60 s is live: %s", ([sinceMs, live]) => {
  expect(isShownAsLive(session, beatAtMs + sinceMs)).toBe(live);
});

test("an entry without holder is not live, and is free when it lapses", () => {
  const vacancy = { vacated_by: "device", lapses_at: beatAtMs };
  expect(isShownAsLive(vacancy, 0)).toBe(false);
  expect(freeAtMs(vacancy)).toBe(beatAtMs);
});

test("a contested session is free once no process can still believe that it holds it", () => {
  expect(freeAtMs({ ...session, contested_until: beatAtMs + 90_000 })).toBe(beatAtMs + 90_000);
  expect(freeAtMs({ ...session, contested_until: beatAtMs })).toBe(beatAtMs + 60_000);
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
    expect(secondsUntilFree(session, beatAtMs + sinceMs)).toBe(seconds);
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
