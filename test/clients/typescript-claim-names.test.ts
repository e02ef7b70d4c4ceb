import { expect, test } from "vitest";
import { createClaimNames } from "../../clients/typescript/claim-names.ts";
import { createWebRuntime } from "../../clients/typescript/web-runtime.ts";

test("the openings of one process are numbered from 1, across its sessions, and share one run", () => {
  const url = "https://license.example";
  const names = [1, 2, 3].map(() => createWebRuntime({ url }, console).nextClaimName());
  expect(names.map(({ claimNumber }) => claimNumber)).toEqual([1, 2, 3]);
  expect(new Set(names.map(({ runId }) => runId)).size).toBe(1);
  expect(names[0]?.runId).toMatch(/^[\x21-\x7e]{16,64}$/);
});

test("another process is another run, which begins at 1 again", () => {
  let processes = 0;
  const names = [1, 2].map(() => createClaimNames(() => `process-${++processes}`)());
  expect(names).toEqual([
    { runId: "process-1", claimNumber: 1 },
    { runId: "process-2", claimNumber: 1 },
  ]);
});
