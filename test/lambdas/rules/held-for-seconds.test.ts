import { expect, test } from "vitest";
import { heldForSeconds } from "../../../lambdas/rules/held-for-seconds.ts";

test.for([
  // The lease less 4 s and less a sixtieth, in whole seconds, rounded down.
  [30_000, 0, 25],
  [60_000, 0, 55],
  [61_000, 0, 55],
  [62_000, 0, 56],
  [300_000, 0, 291],
  [86_400_000, 0, 84_956],
  // What a cold start leaves uncertain is taken off.
  [60_000, 1, 54],
  [60_000, 10_000, 45],
  [30_000, 10_000, 15],
  // Never negative.
  [4_000, 0, 0],
  [30_000, 60_000, 0],
] as const)(
  "of a lease of %i ms, uncertain by %i ms, the right is %i s",
  ([leaseMs, uncertainMs, seconds]) => {
    expect(heldForSeconds(leaseMs, false, uncertainMs)).toBe(seconds);
  },
);

test.for([
  [1_000, 0.9],
  [2_000, 1.8],
  [9_999, 8.9],
  [10_000, 9],
  [60_000, 54],
] as const)(
  "where one clock serves all, it is %i ms less a twelfth and a sixtieth: %d s",
  ([leaseMs, seconds]) => {
    expect(heldForSeconds(leaseMs, true, 0)).toBe(seconds);
  },
);
