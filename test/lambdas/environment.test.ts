import { generateKeyPairSync } from "node:crypto";
import { afterEach, describe, expect, test, vi } from "vitest";
import { serviceFromEnvironment } from "../../lambdas/environment.ts";

const whole = {
  TABLE_NAME: "Sessions",
  SESSION_TIMEOUT_SECONDS: "60",
  MULTI_SYMBOL_SESSIONS: "true",
};

afterEach(() => {
  vi.unstubAllEnvs();
});

function read(variables: Record<string, string | undefined>) {
  for (const [name, value] of Object.entries({
    LEGACY_BOTS: undefined,
    ONE_CLOCK: undefined,
    SIGNING_KEYS: undefined,
    ...variables,
  })) {
    vi.stubEnv(name, value);
  }
  return serviceFromEnvironment();
}

test("the settings are read from the environment, seconds as milliseconds", () => {
  const { settings, signingKeys } = read(whole);
  expect(settings).toEqual({
    sessionTimeoutMs: 60_000,
    multiSymbolSessions: true,
    legacyBots: false,
    oneClock: false,
  });
  expect(signingKeys).toEqual([]);
});

test.for([
  ["LEGACY_BOTS", "legacyBots"],
  ["ONE_CLOCK", "oneClock"],
] as const)("%s is off unless it is set", ([name, setting]) => {
  expect(read({ ...whole, [name]: "true" }).settings[setting]).toBe(true);
});

test("all symbols of a license can share one session", () => {
  expect(read({ ...whole, MULTI_SYMBOL_SESSIONS: "false" }).settings.multiSymbolSessions).toBe(
    false,
  );
});

test.for(["1", "86400"])("a timeout of %s s is one", (SESSION_TIMEOUT_SECONDS) => {
  expect(read({ ...whole, SESSION_TIMEOUT_SECONDS }).settings.sessionTimeoutMs).toBe(
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
  ["LEGACY_BOTS", "1"],
  ["ONE_CLOCK", "yes"],
] as const)("a function does not start with %s %s", ([name, value]) => {
  expect(() => read({ ...whole, [name]: value })).toThrow(name);
});

describe("SIGNING_KEYS", () => {
  const one = `ed25519-private:${Buffer.alloc(32, 1).toString("base64url")}`;
  const two = `ed25519-private:${Buffer.alloc(32, 2).toString("base64url")}`;
  const keyIds = (SIGNING_KEYS: string) =>
    (read({ ...whole, SIGNING_KEYS }).signingKeys ?? []).map(({ keyId }) => keyId);

  test("may be one key, or two during a rotation", () => {
    expect(keyIds(one)).toHaveLength(1);
    expect(keyIds(` ${one}\n`)).toEqual(keyIds(one));
    expect(keyIds(`${one} ${two}`)).toEqual([...keyIds(one), ...keyIds(two)]);
  });

  test.for(["", " \n"])("%j is none: nothing is signed", (none) => {
    expect(keyIds(none)).toEqual([]);
  });

  test("that can't be read is named by its place", () => {
    const wrong = (SIGNING_KEYS: string) => () => read({ ...whole, SIGNING_KEYS });
    expect(wrong("x")).toThrow("The key in SIGNING_KEYS can't be read.");
    expect(wrong(`${one} x`)).toThrow("Key 2 of 2 in SIGNING_KEYS can't be read.");
  });

  const pkcs1 = generateKeyPairSync("rsa", { modulusLength: 1024 })
    .privateKey.export({ type: "pkcs8", format: "pem" })
    .toString();
  test.for([
    ["a public key", one.replace("-private", "")],
    ["one with a byte too few", one.slice(0, -2)],
    ["one with bits that belong to no byte", one.replace(/E$/, "F")],
    ["one with padding", `${one}=`],
    ["a PEM of RSA", pkcs1],
    ["JSON, as the console of Secrets Manager makes it", JSON.stringify({ SIGNING_KEYS: one })],
    ["a reference that nobody resolved", "{{resolve:secretsmanager:arn}}"],
    ["one good key and one bad", `${one} ${two}x`],
    ["three", `${one} ${two} ${one}`],
    ["the same twice", `${one} ${one}`],
  ] as const)("of another kind stops the function without a word of it: %s", ([, wrong]) => {
    let message = "";
    try {
      read({ ...whole, SIGNING_KEYS: wrong });
    } catch (error) {
      message = String(error);
    }
    expect(message).toContain("SIGNING_KEYS");
    if (message.includes("read")) {
      expect(message).toMatch(/base64url, as license signing-key create prints it\.$/);
    }
    for (const word of wrong.match(/[\w-]{20,}/g) ?? []) expect(message).not.toContain(word);
  });
});
