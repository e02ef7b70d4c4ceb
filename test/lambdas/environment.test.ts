import { afterEach, expect, test, vi } from "vitest";
import { readEnvironment } from "../../lambdas/environment.ts";

const whole = {
  TABLE_NAME: "Sessions",
  SESSION_TIMEOUT_SECONDS: "60",
  MULTI_SYMBOL_SESSIONS: "true",
};

afterEach(() => {
  vi.unstubAllEnvs();
});

function read(variables: Record<string, string | undefined>) {
  for (const [name, value] of Object.entries({ ASK_FOR_REFUSED_ITEM: undefined, ...variables })) {
    vi.stubEnv(name, value);
  }
  return readEnvironment();
}

test("the settings are read from the environment, seconds as milliseconds", () => {
  expect(read(whole)).toEqual({
    tableName: "Sessions",
    sessionTimeoutMs: 60_000,
    multiSymbolSessions: true,
    legacyBots: false,
    askForRefusedItem: false,
  });
});

test("an engine that keeps the refused item to itself can be named", () => {
  expect(read({ ...whole, ASK_FOR_REFUSED_ITEM: "true" }).askForRefusedItem).toBe(true);
});

test("all symbols of a license can share one session", () => {
  expect(read({ ...whole, MULTI_SYMBOL_SESSIONS: "false" }).multiSymbolSessions).toBe(false);
});

test.for(["1", "86400"])("a time-out of %s s is one", (SESSION_TIMEOUT_SECONDS) => {
  expect(read({ ...whole, SESSION_TIMEOUT_SECONDS }).sessionTimeoutMs).toBe(
    Number(SESSION_TIMEOUT_SECONDS) * 1000,
  );
});

test.for([
  ["TABLE_NAME", undefined],
  ["TABLE_NAME", ""],
  ["SESSION_TIMEOUT_SECONDS", undefined],
  ["SESSION_TIMEOUT_SECONDS", ""],
  ["SESSION_TIMEOUT_SECONDS", "0"],
  ["SESSION_TIMEOUT_SECONDS", "1.5"],
  ["SESSION_TIMEOUT_SECONDS", "86401"],
  ["SESSION_TIMEOUT_SECONDS", "a minute"],
  ["MULTI_SYMBOL_SESSIONS", undefined],
  ["MULTI_SYMBOL_SESSIONS", "yes"],
  ["ASK_FOR_REFUSED_ITEM", "1"],
] as const)("a function does not start with %s %s", ([name, value]) => {
  expect(() => read({ ...whole, [name]: value })).toThrow(name);
});
