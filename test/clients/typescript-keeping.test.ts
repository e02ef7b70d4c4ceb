import { expect, test } from "vitest";
import type { Granted } from "../../clients/typescript/answers.ts";
import {
  advance,
  type Circumstances,
  type KeepingEvent,
  startKeeping,
} from "../../clients/typescript/keeping-state.ts";

const license = { type: "pro", expiresAt: undefined, activeSymbols: ["ES"] };
const granted: Granted = {
  kind: "granted",
  sessionId: "s-1",
  fencingToken: 1,
  sessionTimeoutMs: 60_000,
  heartbeatIntervalMs: 20_000,
  heldForMs: 55_000,
  license,
};
/** The right of a session of 60 s, from the instant 0. */
const rightEndsMs = 55_000;
const held = startKeeping(granted, { nowMs: 0, wallMs: 0 }, {}, 0);

/** What comes of the session at an instant; the wall clock may have gained since the claim. */
function after(event: KeepingEvent, nowMs: number, wallGainedMs = 0) {
  const at = { nowMs, wallMs: nowMs + wallGainedMs };
  const circumstances: Circumstances = { granted, options: {}, at, random: 0 };
  return advance(held, event, circumstances);
}

const woke = (plannedMs: number): KeepingEvent => ({ kind: "woke", plannedMs });
const recorded: KeepingEvent = {
  kind: "answered",
  outcome: {
    kind: "recorded",
    sessionTimeoutMs: 60_000,
    heldForMs: 55_000,
    license: { expiresAt: new Date(0), activeSymbols: ["ES", "NQ"] },
  },
  sent: { nowMs: 20_000, wallMs: 20_000 },
  plannedMs: 25_000,
  saidKeep: false,
};

test("at the instant the right ends the session is lost, and not a millisecond before", () => {
  expect(after(woke(rightEndsMs), rightEndsMs - 1)).toEqual({ keeping: held });
  expect(after(woke(rightEndsMs), rightEndsMs).status).toEqual({
    state: "ended",
    reason: "lost",
    code: "no_answer_in_time",
  });
});

test("a timer that is late by no more than a second has not overslept", () => {
  const lateMs = rightEndsMs + 1_000;
  expect(after(woke(rightEndsMs), lateMs).status).toMatchObject({ state: "ended" });
  expect(after(woke(rightEndsMs), lateMs + 1).status).toEqual({ state: "asking" });
});

test("clocks that have parted are named, also when the right is over", () => {
  const asking = { state: "asking", problem: "clocks_parted" };
  for (const nowMs of [rightEndsMs - 1, rightEndsMs]) {
    expect(after(woke(rightEndsMs), nowMs, 1_000).status).not.toEqual(asking);
    expect(after(woke(rightEndsMs), nowMs, 1_001).status).toEqual(asking);
  }
});

test("a heartbeat renews the right from its sending, unless its answer was slept through", () => {
  const renewedEndMs = 20_000 + rightEndsMs;
  expect(after(recorded, renewedEndMs - 1).status).toEqual({ state: "held", rightLastsMs: 1 });
  expect(after(recorded, renewedEndMs).status).toEqual({ state: "asking" });
});

test("a heartbeat brings the license as it is now; its type stays, which no heartbeat names", () => {
  expect(after(recorded, 20_100).keeping.license).toEqual({
    type: "pro",
    expiresAt: new Date(0),
    activeSymbols: ["ES", "NQ"],
  });
});
