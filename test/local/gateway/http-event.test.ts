import { describe, expect, test } from "vitest";
import { type ReceivedRequest, splitTarget, toEvent } from "../../../local/gateway/http-event.ts";

const request: ReceivedRequest = {
  method: "POST",
  target: "/api/heartbeat",
  headers: {},
  body: Buffer.alloc(0),
  sourceIp: "127.0.0.1",
  port: 3000,
  requestId: "JKJaXmPLvHcESHA=",
  receivedAtMs: Date.UTC(2020, 2, 12, 19, 3, 58),
};
const route = { routeKey: "POST /api/heartbeat", functionId: "F", pathParameters: {} };

function eventOf(changes: Partial<ReceivedRequest>, pathParameters: Record<string, string> = {}) {
  return toEvent({ ...request, ...changes }, { ...route, pathParameters }, "api");
}

describe("an event", () => {
  test("has what API Gateway sends, and nothing that would be empty", () => {
    const headers = { host: ["license.example.com:3000"], "user-agent": ["bot/1"] };
    const event = eventOf({ headers });
    expect(event).toEqual({
      version: "2.0",
      routeKey: "POST /api/heartbeat",
      rawPath: "/api/heartbeat",
      rawQueryString: "",
      headers: {
        host: "license.example.com:3000",
        "user-agent": "bot/1",
        "content-length": "0",
        "x-amzn-trace-id": expect.stringMatching(/^Root=1-5e6a879e-[0-9a-f]{24}$/),
        "x-forwarded-for": "127.0.0.1",
        "x-forwarded-port": "3000",
        "x-forwarded-proto": "http",
      },
      requestContext: {
        accountId: "anonymous",
        apiId: "api",
        domainName: "license.example.com",
        domainPrefix: "license",
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
        time: "12/Mar/2020:19:03:58 +0000",
        timeEpoch: 1_584_039_838_000,
      },
      isBase64Encoded: false,
    });
  });

  test("has a decoded path, and the query as it was sent and decoded", () => {
    const event = eventOf({ target: "/a%20b?x=1&y=%C3%A9+%2B&x=2&__proto__=z&?" });
    expect(event.rawPath).toBe("/a b");
    expect(event.rawQueryString).toBe("x=1&y=%C3%A9+%2B&x=2&__proto__=z&?");
    expect(Object.entries(event.queryStringParameters ?? {})).toEqual([
      ["x", "1,2"],
      ["y", "é +"],
      ["__proto__", "z"],
      ["?", ""],
    ]);
  });

  test("survives a path and a query that are badly encoded", () => {
    const event = eventOf({ target: "/%E0%A4%A?x=%" });
    expect(event.rawPath).toBe("/%E0%A4%A");
    expect(event.queryStringParameters).toEqual({ x: "%" });
  });

  test("has cookies in a field of their own, and not in the headers", () => {
    const event = eventOf({ headers: { cookie: ["a=1; b=2", "c=3"] } });
    expect(event.cookies).toEqual(["a=1", "b=2", "c=3"]);
    expect(event.headers).not.toHaveProperty("cookie");
  });

  test("joins the values of a header that came more than once", () => {
    expect(eventOf({ headers: { "x-one": ["1", "2"] } }).headers["x-one"]).toBe("1,2");
  });

  test("leaves out the headers of the connection", () => {
    const headers = { connection: ["keep-alive"], "transfer-encoding": ["chunked"] };
    const event = eventOf({ headers });
    expect(event.headers).not.toHaveProperty("connection");
    expect(event.headers).not.toHaveProperty("transfer-encoding");
  });

  test("adds the caller to those it was forwarded for, and keeps its trace", () => {
    const { headers } = eventOf({
      headers: { "x-forwarded-for": ["10.0.0.1"], "x-amzn-trace-id": ["Root=1-2-3"] },
    });
    expect(headers["x-forwarded-for"]).toBe("10.0.0.1, 127.0.0.1");
    expect(headers["x-amzn-trace-id"]).toBe("Root=1-2-3");
  });

  test("has path parameters if the route has", () => {
    expect(eventOf({}, { id: "7" }).pathParameters).toEqual({ id: "7" });
  });
});

describe("a body", () => {
  const body = Buffer.from('{"é":1}');

  test.each([
    "application/json",
    "application/json; charset=utf-8",
    "Application/JSON;charset=utf-8",
    "application/xml",
    "application/javascript",
    "text/plain",
    "text/html;charset=UTF-8",
  ])("of type %s is text", (type) => {
    const event = eventOf({ body, headers: { "content-type": [type] } });
    expect(event).toMatchObject({ body: '{"é":1}', isBase64Encoded: false });
    expect(event.headers["content-length"]).toBe("8");
  });

  test.each([
    "application/x-www-form-urlencoded",
    "application/octet-stream",
    "application/json-seq",
    "application/vnd.api+json",
    "multipart/form-data; boundary=x",
    "",
  ])("of type '%s' is base64", (type) => {
    const event = eventOf({ body, headers: { "content-type": [type] } });
    expect(event).toMatchObject({ body: body.toString("base64"), isBase64Encoded: true });
  });

  test("of a text type that is not UTF-8 is base64, so that no two bodies become one", () => {
    for (const bytes of [[0xff], [0xfe], [0xc3], [0xed, 0xa0, 0x80]]) {
      const body = Buffer.from(bytes);
      const event = eventOf({ body, headers: { "content-type": ["application/json"] } });
      expect(event).toMatchObject({ body: body.toString("base64"), isBase64Encoded: true });
    }
  });

  test("without a type is base64", () => {
    expect(eventOf({ body })).toMatchObject({ isBase64Encoded: true });
  });
});

describe("a request's target", () => {
  test.each([
    ["/a?b?c", { path: "/a", query: "b?c" }],
    ["//host/a", { path: "//host/a", query: "" }],
    ["http://host:80/a?b", { path: "/a", query: "b" }],
    ["http://host", { path: "/", query: "" }],
    ["*", { path: "*", query: "" }],
    ["", { path: "/", query: "" }],
  ])("'%s' is taken apart", (target, parts) => {
    expect(splitTarget(target)).toEqual(parts);
  });
});
