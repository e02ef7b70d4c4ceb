import { describe, expect, test } from "vitest";
import { type ReceivedRequest, toEvent } from "../../../local/gateway/to-event.ts";

const request: ReceivedRequest = {
  method: "POST",
  path: "/api/heartbeat",
  query: "",
  headers: {},
  body: Buffer.alloc(0),
  sourceIp: "127.0.0.1",
  requestId: "JKJaXmPLvHcESHA=",
  receivedAtMs: 1_584_039_838_000,
};

function eventOf(changes: Partial<ReceivedRequest>) {
  return toEvent({ ...request, ...changes }, "POST /api/heartbeat");
}

test("an event has what API Gateway sends, and no body that would be empty", () => {
  const headers = { host: "license.example.com:3000", "user-agent": "bot/1" };
  expect(eventOf({ headers, query: "a=1&b" })).toEqual({
    version: "2.0",
    routeKey: "POST /api/heartbeat",
    rawPath: "/api/heartbeat",
    rawQueryString: "a=1&b",
    headers: {
      host: "license.example.com:3000",
      "user-agent": "bot/1",
      "x-forwarded-for": "127.0.0.1",
      "x-forwarded-proto": "http",
    },
    requestContext: {
      http: {
        method: "POST",
        path: "/api/heartbeat",
        protocol: "HTTP/1.1",
        sourceIp: "127.0.0.1",
        userAgent: "bot/1",
      },
      requestId: "JKJaXmPLvHcESHA=",
      routeKey: "POST /api/heartbeat",
      stage: "$default",
      timeEpoch: 1_584_039_838_000,
    },
    isBase64Encoded: false,
  });
});

describe("a body", () => {
  const body = Buffer.from('{"é":1}');

  test.each([
    ["application/json", true],
    ["application/json; charset=utf-8", true],
    ["Application/JSON;charset=utf-8", true],
    ["application/xml", true],
    ["application/javascript", true],
    ["text/plain", true],
    ["text/html;charset=UTF-8", true],
    ["application/x-www-form-urlencoded", false],
    ["application/octet-stream", false],
    ["application/json-seq", false],
    ["application/vnd.api+json", false],
    ["multipart/form-data; boundary=x", false],
    ["", false],
    [undefined, false],
  ])("of type %s is text: %j, or else base64", (type, isText) => {
    const event = eventOf({ body, headers: type === undefined ? {} : { "content-type": type } });
    expect(event).toMatchObject({
      body: body.toString(isText ? "utf8" : "base64"),
      isBase64Encoded: !isText,
    });
  });

  test("of a text type that is not UTF-8 is base64, so that no two bodies become one", () => {
    for (const bytes of [[0xff], [0xfe], [0xc3], [0xed, 0xa0, 0x80]]) {
      const body = Buffer.from(bytes);
      const event = eventOf({ body, headers: { "content-type": "application/json" } });
      expect(event).toMatchObject({ body: body.toString("base64"), isBase64Encoded: true });
    }
  });

  test("of text keeps its byte order mark, and NULs at its end", () => {
    const text = '\ufeff{"é":1}\0\0';
    const headers = { "content-type": "application/json" };
    expect(eventOf({ body: Buffer.from(text), headers })).toMatchObject({ body: text });
  });
});
