import { expect, test } from "vitest";
import {
  attemptTimeoutMs,
  checkTimes,
  heartbeatDelayMs,
  pollDelayMs,
  retryAtMs,
  retryDelayMs,
  timingOf,
} from "../../clients/typescript/timing.ts";
// Every client keeps time by these.
import vectors from "../../clients/vectors/timing.json" with { type: "json" };

test.for(vectors.timings)("a session is kept: $guarantee", (vector) => {
  const { sessionTimeoutMs, heldForMs, namedIntervalMs, timing } = vector;
  const { marginMs, requestTimeoutMs } = vector;
  const options = { marginMs: marginMs ?? undefined, requestTimeoutMs };
  expect(timingOf(sessionTimeoutMs, heldForMs, namedIntervalMs, options)).toEqual(timing);
});

test("a request may take 5 s where the program names no timeout", () => {
  expect(timingOf(60_000, 55_000, 20_000, {}).requestTimeoutMs).toBe(5_000);
});

test.for(vectors.heartbeatDelays)(
  "a heartbeat comes up to a tenth early: $intervalMs ms at $random is $delayMs ms",
  ({ intervalMs, random, delayMs }) => {
    expect(heartbeatDelayMs(intervalMs, random)).toBe(delayMs);
  },
);

test.for(vectors.retryDelays)(
  "retries are spaced out: the delay after $failures, of $intervalMs ms at $random, is $delayMs ms",
  ({ failures, intervalMs, random, delayMs }) => {
    expect(retryDelayMs(failures, intervalMs, random)).toBe(delayMs);
  },
);

test.for(vectors.attemptTimeouts)(
  "an attempt on a slow line may take longer: $timeoutMs ms of $requestTimeoutMs after $unanswered",
  ({ requestTimeoutMs, unanswered, timeoutMs }) => {
    expect(attemptTimeoutMs(requestTimeoutMs, unanswered)).toBe(timeoutMs);
  },
);

test.for(vectors.pollDelays)("a waiting opening claims again $guarantee", (vector) => {
  expect(pollDelayMs(vector.waitSeconds ?? undefined, vector.random)).toBe(vector.delayMs);
});

test.for(vectors.retryInstants)("a retry comes $guarantee", (vector) => {
  const { nowMs, delayMs, retryAfterMs, endsMs, requestTimeoutMs, atMs } = vector;
  const ends = { endsMs, requestTimeoutMs };
  expect(retryAtMs(nowMs, delayMs, retryAfterMs ?? undefined, ends)).toBe(atMs);
});

test.for([
  ["marginMs", [-1, Number.NaN, Number.POSITIVE_INFINITY], [0, 0.5, 1e9]],
  ["requestTimeoutMs", [0, -1, Number.NaN, Number.POSITIVE_INFINITY], [0.5, 1e9]],
  ["openWithinMs", [-1, Number.NaN], [0, Number.POSITIVE_INFINITY]],
  ["waitWithinMs", [-1, Number.NaN], [0, Number.POSITIVE_INFINITY]],
] as const)("%s is refused by its name if nothing can be kept by it", ([name, refused, taken]) => {
  for (const value of refused) {
    expect(() => checkTimes({ [name]: value })).toThrow(`${name} is ${value}: it must be`);
  }
  for (const value of taken) expect(() => checkTimes({ [name]: value })).not.toThrow();
});
