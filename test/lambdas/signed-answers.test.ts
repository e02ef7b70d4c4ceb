import { describe, expect, onTestFinished, test, vi } from "vitest";
import { readSigningKeys } from "../../lambdas/http/signing-keys.ts";
import { claimHandler } from "../../lambdas/routes/claim-route.ts";
import { heartbeatHandler } from "../../lambdas/routes/heartbeat-route.ts";
import { releaseHandler } from "../../lambdas/routes/release-route.ts";
import type { Service } from "../../lambdas/routes/service.ts";
import { licenseSchema } from "../../lambdas/rules/license.ts";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import type { Database } from "../../lambdas/rules/rule-run.ts";
import { applyChange } from "../../lambdas/store/write-expression.ts";
import { buildVectors } from "../clients/vectors/build-vectors.ts";
import { verifiedByLibrary } from "../clients/vectors/verified-by-library.ts";
import { defaultSettings } from "../support/default-settings.ts";

const { service: keyOne, next: keyTwo } = buildVectors().keys;
if (!keyOne || !keyTwo) throw new Error("The vectors have no keys");

const nowMs = Date.UTC(2026, 0, 5, 12, 0, 0, 999);
const nonce = "a nonce, fresh for this request";
const asked = {
  license_key: "KEY",
  device_fingerprint: "büro-rechner",
  session_id: "session-1",
  nonce,
};
const stored = {
  license_id: licenseIdOf("KEY"),
  status: "active",
  max_sessions: 20,
  sessions: {
    "*": {
      device_fingerprint: "büro-rechner",
      session_id: "session-1",
      started_at: nowMs,
      last_heartbeat: nowMs,
      confirmed: true,
      lease_ms: 60_000,
      lapses_at: nowMs + 60_000,
    },
  },
};
const seen = { license: licenseSchema.parse(stored), stored };

const applies: Database["update"] = async (_id, _condition, change) => {
  const after = applyChange(stored, change);
  return {
    applied: true,
    before: seen,
    after: { license: licenseSchema.parse(after), stored: after },
  };
};
const knowsNothing: Database["update"] = async () => ({ applied: false, seen: undefined });
const isAway: Database["update"] = async () => {
  throw new Error("The database is away");
};

const routes = {
  "/api/validate-license": claimHandler,
  "/api/heartbeat": heartbeatHandler,
  "/api/session/release": releaseHandler,
};

type Sent = {
  path: keyof typeof routes;
  body?: object | string;
  update?: Database["update"];
  keys?: string;
  base64?: boolean;
  timeEpoch?: number;
};

/** Sends a request as API Gateway does. */
async function send({
  path,
  body = asked,
  update = applies,
  keys = keyOne?.private_key ?? "",
  base64 = false,
  timeEpoch = nowMs,
}: Sent) {
  vi.spyOn(console, "info").mockImplementation(() => {});
  vi.spyOn(console, "error").mockImplementation(() => {});
  const service: Service = {
    settings: defaultSettings,
    table: { forRequest: () => ({ get: async () => undefined, update }) },
    now: () => nowMs,
    signingKeys: readSigningKeys(keys),
  };
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const event = {
    rawPath: path,
    requestContext: { timeEpoch, http: { method: "POST" } },
    body: base64 ? Buffer.from(text).toString("base64") : text,
    isBase64Encoded: base64,
  };
  const result = await routes[path](service)(event, { awsRequestId: "request-1" });
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(result.headers ?? {})) headers[name] = String(value);
  const answer = { status: result.statusCode ?? 0, headers, body: result.body ?? "" };
  return {
    ...answer,
    code: JSON.parse(answer.body).code,
    field: JSON.parse(answer.body).field,
    isSignedBy: (...public_keys: string[]) =>
      verifiedByLibrary({ public_keys, request: { method: "POST", path, body: text }, answer }),
  };
}

const validate = "/api/validate-license";
const heartbeat = "/api/heartbeat";

describe("an answer to a request with a nonce is signed:", () => {
  test.for<[string, number, Sent]>([
    ["granted", 200, { path: validate }],
    ["recorded", 200, { path: heartbeat }],
    ["recorded", 200, { path: heartbeat, base64: true }],
    ["released", 200, { path: "/api/session/release" }],
    ["license_unknown", 401, { path: validate, update: knowsNothing }],
    ["license_unknown", 500, { path: heartbeat, update: knowsNothing }],
    ["internal_error", 500, { path: heartbeat, update: isAway }],
    ["internal_error", 500, { path: heartbeat, timeEpoch: nowMs - 86_400_000 }],
    ["bad_request", 400, { path: heartbeat, body: { nonce, license_key: 1 } }],
    ["bad_request", 400, { path: heartbeat, body: { ...asked, metadata: { a: "x".repeat(2e3) } } }],
  ])("%s, HTTP %d", async ([code, status, sent]) => {
    const reply = await send(sent);
    expect(reply).toMatchObject({ code, status });
    expect(await reply.isSignedBy(keyOne.public_key)).toBe(true);
    const input = reply.headers["signature-input"];
    expect(input).toContain(`;created=${Math.floor(nowMs / 1000)};`);
    expect(input).toContain(`;nonce="${nonce}";alg="ed25519"`);
    expect(reply.headers["content-type"]).toBe("application/json");
  });
});

test("a quote and a backslash in a nonce are escaped as in a structured field", async () => {
  const body = { ...asked, nonce: 'quote " and backslash \\ end' };
  const reply = await send({ path: heartbeat, body });
  expect(await reply.isSignedBy(keyOne.public_key)).toBe(true);
  expect(reply.headers["signature-input"]).toContain('nonce="quote \\" and backslash \\\\ end"');
});

test("during a rotation both keys sign, and either is enough", async () => {
  const keys = `${keyOne.private_key} ${keyTwo.private_key}`;
  const reply = await send({ path: heartbeat, keys });
  expect(await reply.isSignedBy(keyOne.public_key)).toBe(true);
  expect(await reply.isSignedBy(keyTwo.public_key)).toBe(true);
  expect(reply.headers["signature-input"]).toMatch(/^sig1=.*, sig2=/);
});

describe("nothing changes", () => {
  const unsigned = { "content-type": "application/json", "cache-control": "no-store" };
  const { nonce: _nonce, ...without } = asked;

  test.for<[string, Sent]>([
    ["without a nonce", { path: heartbeat, body: without }],
    ["with null for a nonce", { path: heartbeat, body: { ...without, nonce: null } }],
    ["without a key", { path: heartbeat, keys: "" }],
  ])("%s", async ([, sent]) => {
    expect(await send(sent)).toMatchObject({ status: 200, headers: unsigned });
    expect((await send(sent)).headers).toEqual(unsigned);
  });

  test("for a service without keys, nor in an event that does not say what was asked", async () => {
    const event = { body: JSON.stringify(asked), isBase64Encoded: false };
    const service = {
      settings: defaultSettings,
      table: { forRequest: () => ({ get: async () => undefined, update: applies }) },
      now: () => nowMs,
    };
    for (const isAsked of [true, false]) {
      const result = await heartbeatHandler(service)(
        {
          ...event,
          requestContext: { timeEpoch: nowMs, ...(isAsked && { http: { method: "POST" } }) },
        },
        { awsRequestId: "request-1" },
      );
      expect(result).toMatchObject({ statusCode: 200, headers: unsigned });
    }
  });

  test("in a body that is no JSON, whatever nonce it may have", async () => {
    const reply = await send({ path: heartbeat, body: `{"nonce":"${nonce}",` });
    expect(reply).toMatchObject({ status: 400, field: "body", headers: unsigned });
  });
});

describe("a nonce", () => {
  test.for<[string, unknown]>([
    ["with 15 characters", "x".repeat(15)],
    ["with 129 characters", "x".repeat(129)],
    ["with a line break", "line break\nin the nonce"],
    ["with a control character", "control\u0000in the nonce"],
    ["with DEL", "delete\u007fin the nonce"],
    ["beyond ASCII", "beyond ASCII: é, and longer"],
    ["that is a number", 1234567890123456],
  ])("%s is a 400 that names the field, with a key and without", async ([, wrong]) => {
    for (const keys of [keyOne.private_key, ""]) {
      for (const path of [validate, heartbeat, "/api/session/release"] as const) {
        const reply = await send({ path, body: { ...asked, nonce: wrong }, keys });
        expect(reply).toMatchObject({ status: 400, code: "bad_request", field: "nonce" });
        expect(reply.headers).not.toHaveProperty("signature");
      }
    }
  });

  test.for([16, 128])("with %d characters is one", async (length) => {
    const reply = await send({ path: heartbeat, body: { ...asked, nonce: "~".repeat(length) } });
    expect(await reply.isSignedBy(keyOne.public_key)).toBe(true);
  });
});

test.for(["claim", "heartbeat", "release"])(
  "a key that can't be read stops %s at its cold start: no caller gets an unsigned answer",
  async (name) => {
    vi.stubEnv("SIGNING_KEYS", `${keyOne.private_key}x`);
    vi.resetModules();
    onTestFinished(() => {
      vi.unstubAllEnvs();
      vi.resetModules();
    });
    const error = await import(`../../lambdas/${name}-handler.ts`).catch((error: unknown) => error);
    expect(String(error)).toContain("The key in SIGNING_KEYS can't be read.");
    expect(String(error)).not.toContain(keyOne.private_key.slice(-20));
  },
);
