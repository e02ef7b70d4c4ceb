import { expect, test } from "vitest";
import { createClaimIds } from "../../clients/typescript/claim-ids.ts";
import { createWebRuntime } from "../../clients/typescript/web-runtime.ts";
import { isEarlierClaim } from "../../lambdas/rules/claim-order.ts";

test("the service knows the order of the claims of one process by their ids, across its sessions", () => {
  const url = "https://license.example";
  const ids = Array.from({ length: 12 }, () => createWebRuntime({ url }, console).nextClaimId());
  for (const [index, id] of ids.entries()) {
    expect(id.length).toBeLessThanOrEqual(64);
    expect(ids.map((other) => isEarlierClaim(other, id))).toEqual(
      ids.map((_, otherIndex) => otherIndex < index),
    );
  }
  expect(new Set(ids.map((id) => id.split(".")[0])).size).toBe(ids.length);
});

test("ids of two processes are in no order", () => {
  let processes = 0;
  const [one, two] = [1, 2].map(() => createClaimIds(() => `process-${++processes}`));
  const [first = "", second = ""] = [one?.(), two?.()];
  expect(isEarlierClaim(first, second) || isEarlierClaim(second, first)).toBe(false);
});
