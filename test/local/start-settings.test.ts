import { describe, expect, test } from "vitest";
import { readStartSettings, type StartSettings } from "../../local/start-settings.ts";
import { engineEndpoint } from "../../ops/data/local-engine.ts";
import { CommandError } from "../../ops/terminal/command-error.ts";

describe("readStartSettings", () => {
  type Read = (settings: StartSettings) => unknown;

  test.each<[name: string, read: Read, byDefault: unknown, text: string, given: unknown]>([
    ["HOST", ({ host }) => host, "127.0.0.1", "0.0.0.0", "0.0.0.0"],
    ["PORT", ({ port }) => port, 3000, "0", 0],
    ["DYNAMODB_PORT", ({ enginePort }) => enginePort, 8000, "8123", 8123],
    [
      "DYNAMODB_ENDPOINT",
      ({ engineEndpoint }) => engineEndpoint,
      undefined,
      "http://b:9",
      "http://b:9",
    ],
    ["DYNAMODB_ENDPOINT", isOwnEngine, "true", "http://b:9", undefined],
    ["DATA_DIR", ({ dataFolder }) => dataFolder, ".local", "elsewhere", "elsewhere"],
    ["SESSION_TIMEOUT_SECONDS", ({ stack }) => stack.sessionTimeoutSeconds, "60", "2", "2"],
    ["MULTI_SYMBOL_SESSIONS", ({ stack }) => stack.multiSymbolSessions, "true", "false", "false"],
    ["LEGACY_BOTS", ({ stack }) => stack.legacyBots, "false", "true", "true"],
    ["LAPSE_EVENTS", ({ stack }) => stack.lapseEvents, "false", "true", "true"],
    [
      "SIGNING_KEYS",
      ({ signingKeys }) => signingKeys,
      "",
      "ed25519-private:...",
      "ed25519-private:...",
    ],
  ])(
    "%s has a default, which is meant by an empty one as well",
    (name, read, byDefault, text, given) => {
      expect(read(readStartSettings({}))).toBe(byDefault);
      expect(read(readStartSettings({ [name]: "" }))).toBe(byDefault);
      expect(read(readStartSettings({ [name]: text }))).toBe(given);
    },
  );

  test.each([
    ["PORT", "eighty"],
    ["PORT", "65536"],
    ["PORT", "-1"],
    ["DYNAMODB_PORT", "8000x"],
    ["DYNAMODB_ENDPOINT", "localhost:8000"],
    ["SESSION_TIMEOUT_SECONDS", "0"],
    ["SESSION_TIMEOUT_SECONDS", "1.5"],
    ["SESSION_TIMEOUT_SECONDS", "86401"],
    ["MULTI_SYMBOL_SESSIONS", "yes"],
    ["LEGACY_BOTS", "True"],
    ["HOST", "http://0.0.0.0"],
  ])("refuses %s=%s in one sentence that names it", (name, value) => {
    const sentence = new RegExp(`^${name} must be .*, not "${value}"\\.$`);
    expect(() => readStartSettings({ [name]: value })).toThrow(CommandError);
    expect(() => readStartSettings({ [name]: value })).toThrow(sentence);
  });
});

describe("engineEndpoint", () => {
  test("is the embedded engine's unless another is named", () => {
    expect(engineEndpoint({})).toBe("http://127.0.0.1:8000");
    expect(engineEndpoint({ DYNAMODB_PORT: "8123" })).toBe("http://127.0.0.1:8123");
    expect(engineEndpoint({ DYNAMODB_PORT: "1", DYNAMODB_ENDPOINT: "http://db:9" })).toBe(
      "http://db:9",
    );
  });

  test("does not mind the variables that are not about the engine", () => {
    expect(engineEndpoint({ PORT: "eighty" })).toBe("http://127.0.0.1:8000");
  });
});

function isOwnEngine({ stack }: StartSettings): unknown {
  return stack["license-sessions:own-engine"];
}
