import { describe, expect, test } from "vitest";
import { createRouter } from "../../../local/gateway/router.ts";

function routerOf(...routeKeys: string[]) {
  return createRouter(routeKeys.map((routeKey) => ({ routeKey, functionId: `for ${routeKey}` })));
}

describe("a route", () => {
  test("is found by method and path, with its function", () => {
    expect(routerOf("POST /api/heartbeat")("POST", "/api/heartbeat")).toEqual({
      routeKey: "POST /api/heartbeat",
      functionId: "for POST /api/heartbeat",
      pathParameters: {},
    });
  });

  test.each([
    ["another method", "GET", "/api/heartbeat"],
    ["another path", "POST", "/api/heartbeats"],
    ["a trailing slash", "POST", "/api/heartbeat/"],
    ["a doubled slash", "POST", "//api/heartbeat"],
    ["other letters' case", "POST", "/api/Heartbeat"],
    ["an encoded slash", "POST", "/api%2Fheartbeat"],
    ["broken percent encoding", "POST", "/api/heartbeat%"],
    ["a longer path", "POST", "/api/heartbeat/now"],
    ["no path", "POST", ""],
  ])("is not found by %s", (_what, method, path) => {
    expect(routerOf("POST /api/heartbeat")(method, path)).toBeUndefined();
  });

  test("is found by an encoded letter", () => {
    expect(routerOf("POST /api/heartbeat")("POST", "/api/heart%62eat")).toBeDefined();
  });

  test("for ANY is found by each method", () => {
    expect(routerOf("ANY /a")("PATCH", "/a")?.routeKey).toBe("ANY /a");
  });
});

describe("path parameters", () => {
  test("are decoded, each on its own", () => {
    const match = routerOf("GET /pets/{kind}/{name}")("GET", "/pets/big%20dog/a%2Fb");
    expect(match?.pathParameters).toEqual({ kind: "big dog", name: "a/b" });
  });

  test("are never empty", () => {
    expect(routerOf("GET /pets/{name}")("GET", "/pets/")).toBeUndefined();
    expect(routerOf("GET /pets/{proxy+}")("GET", "/pets/")).toBeUndefined();
    expect(routerOf("GET /pets/{proxy+}")("GET", "/pets")).toBeUndefined();
  });

  test("that are greedy take the rest of the path", () => {
    const match = routerOf("GET /pets/{proxy+}")("GET", "/pets/dog/1/x%25");
    expect(match?.pathParameters).toEqual({ proxy: "dog/1/x%" });
  });

  test("keep what is no proper encoding as it is", () => {
    expect(routerOf("GET /{name}")("GET", "/100%")?.pathParameters).toEqual({ name: "100%" });
  });

  test("may have any name", () => {
    const match = routerOf("GET /{__proto__}")("GET", "/x");
    expect(Object.entries(match?.pathParameters ?? {})).toEqual([["__proto__", "x"]]);
  });
});

describe("of several routes that match", () => {
  const find = routerOf(
    "$default",
    "ANY /{proxy+}",
    "GET /pets/{proxy+}",
    "ANY /pets/dog/{id}",
    "GET /pets/dog/{id}",
    "GET /pets/{kind}/1",
    "GET /pets/dog/1",
  );

  test.each([
    ["GET", "/pets/dog/1", "GET /pets/dog/1"],
    ["GET", "/pets/cat/1", "GET /pets/{kind}/1"],
    ["GET", "/pets/dog/2", "GET /pets/dog/{id}"],
    ["POST", "/pets/dog/2", "ANY /pets/dog/{id}"],
    ["GET", "/pets/cat/2", "GET /pets/{proxy+}"],
    ["POST", "/pets/cat/2", "ANY /{proxy+}"],
    ["GET", "/cars", "ANY /{proxy+}"],
    ["GET", "/", "$default"],
  ])("%s %s goes to %s", (method, path, routeKey) => {
    expect(find(method, path)?.routeKey).toBe(routeKey);
  });
});
