import { describe, expect, test } from "vitest";
import { interpretResult } from "../../../local/gateway/http-answer.ts";

function answerOf(result: unknown) {
  const interpreted = interpretResult(result);
  if (!interpreted.valid) throw new Error(interpreted.problem);
  const { status, headers, body } = interpreted.answer;
  return { status, headers, body: body.toString() };
}

describe("a result with a statusCode", () => {
  test("is the answer", () => {
    const headers = { "Content-Type": "application/json", "X-Number": 1, "x-flag": true };
    expect(answerOf({ statusCode: 403, headers, body: "{}" })).toEqual({
      status: 403,
      headers: { "content-type": "application/json", "x-number": "1", "x-flag": "true" },
      body: "{}",
    });
  });

  test("is plain text without a content-type, and empty without a body", () => {
    expect(answerOf({ statusCode: 200 })).toEqual({
      status: 200,
      headers: { "content-type": "text/plain;charset=UTF-8" },
      body: "",
    });
  });

  test("may have a body in base64", () => {
    const result = { statusCode: 200, body: "w6k=", isBase64Encoded: true };
    expect(answerOf(result).body).toBe("é");
  });

  test("sets each cookie, from wherever it comes", () => {
    const result = { statusCode: 200, headers: { "Set-Cookie": "a=1" }, cookies: ["b=2", "c=3"] };
    expect(answerOf(result).headers["set-cookie"]).toEqual(["a=1", "b=2", "c=3"]);
  });

  test("has no say in the headers of the connection", () => {
    const headers = { "Content-Length": "1", "transfer-encoding": "chunked", Connection: "close" };
    expect(Object.keys(answerOf({ statusCode: 200, headers }).headers)).toEqual(["content-type"]);
  });
});

describe("a result without a statusCode", () => {
  test.each([
    [{ ok: true }, '{"ok":true}'],
    [{ body: "x" }, '{"body":"x"}'],
    ["hello", '"hello"'],
    [[1], "[1]"],
    [0, "0"],
    [null, "null"],
  ])("%j is the JSON body of a 200", (result, body) => {
    const headers = { "content-type": "application/json" };
    expect(answerOf(result)).toEqual({ status: 200, headers, body });
  });
});

describe("a result that is no answer", () => {
  test.each([
    { statusCode: "200" },
    { statusCode: null },
    { statusCode: 200.5 },
    { statusCode: 99 },
    { statusCode: 101 },
    { statusCode: 600 },
    { statusCode: 200, body: { a: 1 } },
    { statusCode: 200, body: 5 },
    { statusCode: 200, headers: [1] },
    { statusCode: 200, headers: { a: { b: 1 } } },
    { statusCode: 200, headers: { "a b": "c" } },
    { statusCode: 200, headers: { a: "b\r\nc: d" } },
    { statusCode: 200, headers: { a: "\u0100" } },
    { statusCode: 200, cookies: "a=1" },
    { statusCode: 200, cookies: ["a=1\n"] },
    { statusCode: 200, isBase64Encoded: "true" },
  ])("is told: %j", (result) => {
    expect(interpretResult(result)).toEqual({ valid: false, problem: expect.any(String) });
  });
});
