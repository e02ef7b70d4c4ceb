import { describe, expect, test } from "vitest";
import {
  checkSession,
  type FetchFunction,
  openSession,
} from "../../clients/typescript/open-session.ts";
import { claimPath } from "../../clients/typescript/requests.ts";
import { baseUrl } from "../../clients/typescript/transport.ts";
import { createWebRuntime } from "../../clients/typescript/web-runtime.ts";
import urls from "../../clients/vectors/urls.json" with { type: "json" };

test.for(urls)("an address is taken or refused: $guarantee", async ({ given, claim }) => {
  if (claim !== undefined) {
    const asked: string[] = [];
    const fetch: FetchFunction = async (url) => Response.json({ url: asked.push(url) });
    const { exchange } = createWebRuntime({ url: given, fetch }, console);
    await exchange(claimPath, "{}", Infinity, AbortSignal.any([]));
    expect(asked).toEqual([claim]);
    return;
  }
  expect(() => baseUrl(given)).toThrow(TypeError);
  expect(() => baseUrl(given)).toThrow(/^url .*: it must be the address of the license service/s);
  expect(() => baseUrl(given)).not.toThrow(/s3cret/);
});

describe("what a program without types gives is refused at once, by its name,", () => {
  const bot = { url: "http://license.test", licenseKey: "LIC-SECRET", deviceFingerprint: "device" };
  const neverCalled = () => {
    throw new Error("A request was sent");
  };

  test.for<[what: string, options: unknown, message: string | RegExp]>([
    ["no options", undefined, "The options are missing: they must be an object with url"],
    ["no options but null", null, "The options are null: they must be"],
    ["a text instead of options", "KEY", 'The options are "KEY": they must be an object'],
    ["no url", { ...bot, url: undefined }, "url is missing: it must be the address"],
    ["a number as url", { ...bot, url: 7 }, "url is of type number: it must be"],
    ["null as url", { ...bot, url: null }, "url is null: it must be"],
    ["no key", { ...bot, licenseKey: undefined }, "licenseKey is missing: it must be text"],
    ["an empty key", { ...bot, licenseKey: " " }, "licenseKey is empty: it must be text"],
    [
      "a key as bytes",
      { ...bot, licenseKey: new Uint8Array([76]) },
      "licenseKey is a Uint8Array: it must be text",
    ],
    [
      "a fingerprint as an object",
      { ...bot, deviceFingerprint: { id: 1 } },
      "deviceFingerprint is an Object: it must be text, 1 to 255 characters",
    ],
    ["a number as symbol", { ...bot, symbol: 7 }, "symbol is 7: it must be text"],
    ["an empty symbol", { ...bot, symbol: "" }, "symbol is empty text: it must be text"],
    ["null as symbol", { ...bot, symbol: null }, "symbol is null: it must be text"],
    ["both", { ...bot, symbol: "ES", symbols: ["NQ"] }, "symbol and symbols are given"],
    ["no symbols", { ...bot, symbols: [] }, "symbols is empty: it must be a list"],
    ["symbols as text", { ...bot, symbols: "ES,NQ" }, 'symbols is "ES,NQ": it must be a list'],
    ["a bad symbol", { ...bot, symbols: ["ES", 7] }, "symbols holds 7: it must be a list"],
    [
      "a symbol twice",
      { ...bot, symbols: ["es", "NQ", "ES "] },
      'symbols holds "es" and "ES ", which are the same symbol',
    ],
    [
      "a time as text",
      { ...bot, requestTimeoutMs: "5000" },
      'requestTimeoutMs is "5000": it must be a number, of more than 0 milliseconds',
    ],
    ["an opening as text", { ...bot, openWithinMs: "2" }, 'openWithinMs is "2": it must be a'],
    ["a negative time", { ...bot, waitWithinMs: -1 }, "waitWithinMs is -1: it must be 0 or more"],
    ["a margin of null", { ...bot, marginMs: null }, "marginMs is null: it must be a number"],
    ["a text for yes", { ...bot, askHolder: "yes" }, 'askHolder is "yes": it must be true or'],
    ["no function", { ...bot, onStatus: {} }, "onStatus is an Object: it must be a function"],
    [
      "a console method",
      { ...bot, logger: () => {} },
      "logger is a function: it must be an object",
    ],
    ["a signal's owner", { ...bot, signal: new AbortController() }, "signal is an AbortController"],
    ["a key as text", { ...bot, publicKeys: "ed25519:x" }, 'publicKeys is "ed25519:x": it must'],
  ])("%s", async ([, options, message]) => {
    const given = options as Parameters<typeof openSession>[0];
    const withFetch = typeof given === "object" && given ? { ...given, fetch: neverCalled } : given;
    for (const call of [openSession, checkSession]) {
      const error = await call(withFetch).catch((error) => error);
      expect(error.message).toMatch(message);
      expect(error).toBeInstanceOf(error instanceof RangeError ? RangeError : TypeError);
      expect(error.message).not.toContain("LIC-SECRET");
    }
  });

  test("a platform without fetch", async () => {
    const { fetch } = globalThis;
    Object.defineProperty(globalThis, "fetch", {
      value: undefined,
      configurable: true,
      writable: true,
    });
    try {
      await expect(openSession(bot)).rejects.toThrow(/^fetch is missing: this platform has none/);
    } finally {
      Object.defineProperty(globalThis, "fetch", {
        value: fetch,
        configurable: true,
        writable: true,
      });
    }
  });
});
