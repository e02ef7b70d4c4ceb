import { describe, expect, test } from "vitest";
import { readStartSettings } from "../../local/start-settings.ts";
import { engineEndpoint } from "../../ops/data/local-engine.ts";
import { CommandError } from "../../ops/terminal/command-error.ts";

describe("readStartSettings", () => {
  test("knows a default for everything", () => {
    expect(readStartSettings({ PATH: "/bin" })).toEqual({
      host: "127.0.0.1",
      port: 3000,
      enginePort: 8000,
      engineEndpoint: undefined,
      dataFolder: ".local",
      stack: {
        sessionTimeoutSeconds: "60",
        multiSymbolSessions: "true",
        legacyBots: "false",
        lapseEvents: "false",
        "license-sessions:own-engine": "true",
      },
      signingKeys: "",
    });
  });

  test("takes each from its variable", () => {
    const settings = readStartSettings({
      HOST: "0.0.0.0",
      PORT: "0",
      DYNAMODB_PORT: "8123",
      DYNAMODB_ENDPOINT: "http://localhost:9000",
      DATA_DIR: "elsewhere",
      SESSION_TIMEOUT_SECONDS: "2",
      MULTI_SYMBOL_SESSIONS: "false",
      LEGACY_BOTS: "true",
      LAPSE_EVENTS: "true",
      SIGNING_KEYS: "ed25519-private:...",
    });
    expect(settings).toEqual({
      host: "0.0.0.0",
      port: 0,
      enginePort: 8123,
      engineEndpoint: "http://localhost:9000",
      dataFolder: "elsewhere",
      stack: {
        sessionTimeoutSeconds: "2",
        multiSymbolSessions: "false",
        legacyBots: "true",
        lapseEvents: "true",
      },
      signingKeys: "ed25519-private:...",
    });
  });

  test("takes an empty variable for one that is not set", () => {
    expect(readStartSettings({ PORT: "", DATA_DIR: "" })).toMatchObject({
      port: 3000,
      dataFolder: ".local",
    });
  });

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
