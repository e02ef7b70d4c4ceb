import { expect, test } from "vitest";
import { isFromEdge } from "../../../lambdas/http/origin-guard.ts";

const sending = (secret?: string) => ({
  "content-type": "application/json",
  "x-origin-secret": secret,
});

test("without the setting every request is let in, with whatever headers", () => {
  for (const headers of [undefined, {}, sending(), sending("any")]) {
    expect(isFromEdge(headers, undefined)).toBe(true);
  }
});

test("with it only a request that brings one of the secrets is let in", () => {
  expect(isFromEdge(sending("old"), "old new")).toBe(true);
  expect(isFromEdge(sending("new"), "old new")).toBe(true);
  for (const secret of ["other", "old new", "ol", "oldnew", "OLD", " old", "", undefined]) {
    expect(isFromEdge(sending(secret), "old new")).toBe(false);
  }
  expect(isFromEdge({}, "old")).toBe(false);
  expect(isFromEdge(undefined, "old")).toBe(false);
});

test.for(["", " "])(
  "a setting without a secret, %j, lets nobody in, not even without a header",
  (secrets) => {
    for (const headers of [undefined, {}, sending(), sending(""), sending(" "), sending("any")]) {
      expect(isFromEdge(headers, secrets)).toBe(false);
    }
  },
);
