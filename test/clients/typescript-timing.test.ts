import { expect, test } from "vitest";
import { checkTimes, timingOf } from "../../clients/typescript/timing.ts";

test("a session of 60 s with a heartbeat every 20 s is kept by the figures that the page names", () => {
  expect(timingOf(60_000, 20_000, {})).toEqual({
    rightMs: 55_000,
    heartbeatIntervalMs: 20_000,
    requestTimeoutMs: 5_000,
    askWithinMs: 10_000,
    oversleptAfterMs: 1_000,
    clocksPartedAfterMs: 1_000,
    reportWithinMs: 1_000,
  });
});

test("a session of 3 s is kept in proportion", () => {
  expect(timingOf(3_000, 20_000, {})).toEqual({
    rightMs: 2_500,
    heartbeatIntervalMs: 1_000,
    requestTimeoutMs: 833,
    askWithinMs: 2_500,
    oversleptAfterMs: 500,
    clocksPartedAfterMs: 500,
    reportWithinMs: 416,
  });
});

test.for([
  ["marginMs", [-1, Number.NaN, Number.POSITIVE_INFINITY], [0, 0.5, 1e9]],
  ["requestTimeoutMs", [0, -1, Number.NaN, Number.POSITIVE_INFINITY], [0.5, 1e9]],
  ["openWithinMs", [-1, Number.NaN], [0, Number.POSITIVE_INFINITY]],
  ["waitWithinMs", [-1, Number.NaN], [0, Number.POSITIVE_INFINITY]],
] as const)("%s is refused by its name if nothing can be kept by it", ([name, refused, taken]) => {
  for (const value of refused) {
    expect(() => checkTimes({ [name]: value })).toThrow(new RangeError(`${name} is ${value}`));
  }
  for (const value of taken) expect(() => checkTimes({ [name]: value })).not.toThrow();
});
