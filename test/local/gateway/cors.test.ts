import { describe, expect, test } from "vitest";
import { answerPreflight, withCorsHeaders } from "../../../local/gateway/cors.ts";
import { jsonAnswer } from "../../../local/gateway/http-answer.ts";
import type { Cors } from "../../../local/template/template-schema.ts";

const cors: Cors = {
  AllowOrigins: ["*"],
  AllowMethods: ["GET", "POST"],
  AllowHeaders: ["content-type", "x-extra"],
  ExposeHeaders: ["date"],
  MaxAge: 600,
};
const origin = ["https://bots.example"];
const preflight = {
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": ["POST"] },
};

describe("a preflight", () => {
  test("is answered 204 with all that is configured, and nothing else", () => {
    expect(answerPreflight(cors, preflight)).toEqual({
      status: 204,
      headers: {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "content-type,x-extra",
        "access-control-expose-headers": "date",
        "access-control-max-age": "600",
      },
      body: Buffer.alloc(0),
    });
  });

  test("is told nothing of what is not configured", () => {
    const answer = answerPreflight({ AllowOrigins: ["*"] }, preflight);
    expect(answer?.headers).toEqual({ "access-control-allow-origin": "*" });
  });

  test("is a request like any other where CORS is not configured", () => {
    expect(answerPreflight(undefined, preflight)).toBeUndefined();
  });

  test.each([
    ["has another method", { ...preflight, method: "POST" }],
    ["has no origin", { ...preflight, headers: { "access-control-request-method": ["POST"] } }],
    ["names no method to come", { ...preflight, headers: { origin } }],
  ])("is none if it %s", (_what, request) => {
    expect(answerPreflight(cors, request)).toBeUndefined();
  });
});

describe("an answer", () => {
  const sent = jsonAnswer(403, { code: "session_conflict" });
  const withOwnCors = {
    ...sent,
    headers: {
      ...sent.headers,
      "access-control-allow-origin": "https://other.example",
      "access-control-allow-credentials": "true",
    },
  };

  test("to a page may be read by it, whatever CORS headers the function sends", () => {
    const headers = {
      "content-type": "application/json",
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "date",
    };
    expect(withCorsHeaders(cors, { origin }, sent)).toEqual({ ...sent, headers });
    expect(withCorsHeaders(cors, { origin }, withOwnCors)).toEqual({ ...sent, headers });
  });

  test("to anyone else has no CORS headers", () => {
    expect(withCorsHeaders(cors, {}, sent)).toEqual(sent);
    expect(withCorsHeaders(cors, {}, withOwnCors)).toEqual(sent);
  });

  test("is the function's alone where CORS is not configured", () => {
    expect(withCorsHeaders(undefined, { origin }, withOwnCors)).toEqual(withOwnCors);
  });
});
