import { expect, test } from "vitest";
import { toResponse } from "../../../local/gateway/http-response.ts";

test("a result with a statusCode is the response", () => {
  const headers = { "content-type": "application/json" };
  expect(toResponse({ statusCode: 403, headers, body: "{}" })).toEqual({
    status: 403,
    headers,
    body: "{}",
  });
});

test("a result may have no headers and no body", () => {
  expect(toResponse({ statusCode: 204 })).toEqual({ status: 204, headers: {}, body: "" });
});

test.each([
  null,
  "hello",
  [1],
  { ok: true },
  { statusCode: "200" },
  { statusCode: null },
  { statusCode: 200.5 },
  { statusCode: 99 },
  { statusCode: 101 },
  { statusCode: 600 },
  { statusCode: 200, body: { a: 1 } },
  { statusCode: 200, headers: [1] },
  { statusCode: 200, headers: { a: { b: 1 } } },
  { statusCode: 200, headers: { "a b": "c" } },
  { statusCode: 200, headers: { a: "b\r\nc: d" } },
  { statusCode: 200, headers: { a: "\u0100" } },
  { statusCode: 200, cookies: ["a=1"] },
  { statusCode: 200, isBase64Encoded: true },
])("%j is a problem, not a response: no function of this project returns it", (result) => {
  expect(toResponse(result)).toEqual({ problem: expect.any(String) });
});
