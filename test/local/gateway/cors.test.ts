import { describe, expect, test } from "vitest";
import { corsHeaders, preflightResponse } from "../../../local/gateway/cors.ts";
import type { Cors } from "../../../local/template/interpret-template.ts";

const cors: Cors = {
  AllowOrigins: ["*"],
  AllowMethods: ["GET", "POST"],
  AllowHeaders: ["content-type", "x-extra"],
  MaxAge: 600,
};
const origin = "https://bots.example";
const preflight = {
  method: "OPTIONS",
  headers: { origin, "access-control-request-method": "POST" },
};

describe("a preflight", () => {
  test("is answered 204 with all that is configured, and nothing else", () => {
    expect(preflightResponse(cors, preflight)).toEqual({
      status: 204,
      headers: {
        "access-control-allow-origin": "*",
        "access-control-allow-methods": "GET,POST",
        "access-control-allow-headers": "content-type,x-extra",
        "access-control-max-age": "600",
      },
      body: "",
    });
  });

  test.each([
    ["has another method", { ...preflight, method: "POST" }],
    ["has no origin", { ...preflight, headers: { "access-control-request-method": "POST" } }],
    ["names no method to come", { ...preflight, headers: { origin } }],
  ])("is none if it %s", (_what, request) => {
    expect(preflightResponse(cors, request)).toBeUndefined();
  });
});

describe("the headers of a response", () => {
  test("let a page read it, and the headers that are exposed", () => {
    expect(corsHeaders(cors, { origin })).toEqual({ "access-control-allow-origin": "*" });
    expect(corsHeaders({ ...cors, ExposeHeaders: ["date", "x-a"] }, { origin })).toEqual({
      "access-control-allow-origin": "*",
      "access-control-expose-headers": "date,x-a",
    });
  });

  test("have no CORS in them for anyone else", () => {
    expect(corsHeaders({ ...cors, ExposeHeaders: ["date"] }, {})).toEqual({});
  });
});
