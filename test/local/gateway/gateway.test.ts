import { once } from "node:events";
import { connect } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { type Api, createApi } from "../../../local/gateway/create-api.ts";
import { jsonResponse } from "../../../local/gateway/http-response.ts";
import type { ServedRequest } from "../../../local/gateway/request-line.ts";
import { startGateway } from "../../../local/gateway/start-gateway.ts";
import type { Cors } from "../../../local/template/interpret-template.ts";
import { startWireClock, type WireClock } from "../../support/wire-clock.ts";
import { aLongLoop, startFixture } from "../support/fixture-function.ts";

const anyApi: Api = async () => jsonResponse(200, "well");

const cors: Cors = {
  AllowOrigins: ["*"],
  AllowMethods: ["POST"],
  AllowHeaders: ["content-type", "x-extra"],
  ExposeHeaders: ["date", "x-a"],
  MaxAge: 600,
};

async function serve(api: Api, onResponse: (served: ServedRequest) => void = () => {}) {
  const gateway = await startGateway(api, { host: "127.0.0.1", port: 0, cors, onResponse });
  onTestFinished(() => gateway[Symbol.asyncDispose]());
  return { ...gateway, address: `http://127.0.0.1:${gateway.port}` };
}

/** A gateway with a route for each function: `POST /NAME`. */
async function serveFunctions(
  codeOf: Record<string, string>,
  { timeoutSeconds = 10 }: { timeoutSeconds?: number } = {},
) {
  const reports: string[] = [];
  const functions = new Map(
    await Promise.all(
      Object.entries(codeOf).map(async ([name, code]) => {
        const fixture = await startFixture(code, { timeoutSeconds });
        await fixture.loaded;
        return [name, fixture] as const;
      }),
    ),
  );
  const routes = Object.keys(codeOf).map((name) => ({
    routeKey: `POST /${name}`,
    functionId: name,
  }));
  const api = createApi(routes, functions, (_requestId, message) => reports.push(message));
  return { ...(await serve(api)), reports };
}

/** Sends bytes as they are and gives back all that comes. */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(request);
  return text(socket);
}

const limitBytes = 10 * 1024 * 1024;
const internalServerError = { message: "Internal Server Error" };

describe("the gateway", () => {
  test("hands a request to the function of its route, and its answer back", async () => {
    const { address } = await serveFunctions({
      echo: `export const handler = async ({ body, rawPath, headers }) => ({
        statusCode: 201,
        headers: { "X-Path": rawPath, "content-type": "text/plain" },
        body: body + headers["x-extra"],
      });`,
    });
    const response = await fetch(`${address}/echo?q=1`, {
      method: "POST",
      headers: { "content-type": "application/json", "X-Extra": "!" },
      body: '"é"',
    });
    expect(response.status).toBe(201);
    expect(await response.text()).toBe('"é"!');
    expect(response.headers.get("x-path")).toBe("/echo");
    expect(response.headers.get("content-type")).toBe("text/plain");
    expect(response.headers.get("content-length")).toBe("5");
    expect(response.headers.get("apigw-requestid")).toMatch(/^[\w+/]{15}=$/);
  });

  test.each([
    ["another method", "GET /echo"],
    ["another path", "POST /other"],
    ["a trailing slash", "POST /echo/"],
    ["a doubled slash", "POST //echo"],
    ["other letters' case", "POST /Echo"],
    ["an encoded letter", "POST /%65cho"],
    ["broken percent encoding", "POST /echo%"],
    ["a longer path", "POST /echo/now"],
    ["a whole address", "POST http://other.example/echo"],
    ["no path", "POST *"],
  ])("answers 404 with the routes that there are to %s", async (_what, line) => {
    const { port } = await serveFunctions({ echo: "", other: "" });
    const answer = await exchange(
      port,
      `${line.replace("other", "another")} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n`,
    );
    expect(answer).toMatch(/^HTTP\/1\.1 404 /);
    expect(answer).toMatch(/^content-type: application\/json\r$/im);
    expect(answer).toContain(
      '{"message":"Not Found","hint":"The routes are POST /echo, POST /other."}',
    );
  });

  test("reads a request like API Gateway: names in lower case, repeated headers joined", async () => {
    const { port } = await serve(async ({ method, path, query, headers }) =>
      jsonResponse(200, { method, path, query, headers }),
    );
    const answer = await exchange(
      port,
      "PUT /a/b?c=d?e HTTP/1.1\r\nHOST: localhost\r\nX-One: 1\r\nx-one: 2\r\nConnection: close\r\n\r\n",
    );
    expect(JSON.parse(answer.split("\r\n\r\n")[1] ?? "")).toEqual({
      method: "PUT",
      path: "/a/b",
      query: "c=d?e",
      headers: { host: "localhost", "x-one": "1,2", connection: "close" },
    });
  });

  test("passes a body on as it is, byte for byte", async () => {
    const bodies: Buffer[] = [];
    const { address } = await serve(async ({ body }) => {
      bodies.push(body);
      return jsonResponse(200, "well");
    });
    const body = Buffer.from([...Buffer.from('\ufeff{"a":"é"}\r\n'), 0, 0, 0xff]);
    await fetch(address, { method: "POST", body });
    expect(bodies).toEqual([body]);
  });

  test("serves any page's bot, but under no name that a page can point here", async () => {
    const { port } = await serve(anyApi);
    const ask = (host: string) =>
      exchange(
        port,
        `POST / HTTP/1.1\r\nHost: ${host}\r\nOrigin: https://bots.example\r\nConnection: close\r\n\r\n`,
      );
    for (const host of ["localhost", `127.0.0.1:${port}`, "[::1]:1", "192.0.2.1"])
      expect(await ask(host)).toMatch(/^HTTP\/1\.1 200 /);
    const refused = await ask(`evil.example:${port}`);
    expect(refused).toMatch(/^HTTP\/1\.1 421 /);
    expect(refused).toContain('{"message":"Misdirected Request","hint":"Call localhost or an IP');
    expect(await ask("localhost\r\nHost: evil.example")).toMatch(/^HTTP\/1\.1 4/);
  });

  test("goes on after bytes that are no HTTP, and callers who break off", async () => {
    const { address, port } = await serve(anyApi);
    expect(await exchange(port, "nonsense\r\n\r\n")).toMatch(/^HTTP\/1\.1 400 /);
    const socket = connect(port, "127.0.0.1");
    socket.write("POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{", () =>
      socket.destroy(),
    );
    await once(socket, "close");
    expect((await fetch(address)).status).toBe(200);
  });

  test("goes on after a caller who doesn't wait for the answer", async () => {
    const called = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const { address } = await serve(async ({ path }) => {
      if (path !== "/slow") return jsonResponse(200, "well");
      called.resolve();
      await answer.promise;
      return jsonResponse(200, "too late");
    });
    const hangUp = new AbortController();
    const slow = fetch(`${address}/slow`, { signal: hangUp.signal });
    await called.promise;
    hangUp.abort();
    await expect(slow).rejects.toThrow("aborted");
    answer.resolve();
    expect((await fetch(address)).status).toBe(200);
  });

  test("answers 204 and HEAD without a body", async () => {
    const { address } = await serve(async ({ method }) =>
      method === "HEAD" ? jsonResponse(200, "head") : { ...jsonResponse(204, ""), headers: {} },
    );
    const empty = await fetch(address);
    expect(empty.status).toBe(204);
    expect(empty.headers.has("content-length")).toBe(false);
    expect(await (await fetch(address, { method: "HEAD" })).text()).toBe("");
  });

  test("reports each request once it is answered, those without a route, too", async () => {
    const served: unknown[] = [];
    const { address } = await serve(
      async ({ path }) => jsonResponse(path === "/a" ? 200 : 404, {}),
      ({ request, response, durationMs }) =>
        served.push([request.path, String(request.body), response.status, durationMs >= 0]),
    );
    await fetch(`${address}/a`, { method: "POST", body: "{}" });
    await fetch(`${address}/b`);
    expect(served).toEqual([
      ["/a", "{}", 200, true],
      ["/b", "", 404, true],
    ]);
  });
});

describe("a body", () => {
  test("of 10 MB is let through", async () => {
    const { address } = await serve(async ({ body }) => jsonResponse(200, body.length));
    const response = await fetch(address, { method: "POST", body: Buffer.alloc(limitBytes) });
    expect(await response.json()).toBe(limitBytes);
  });

  test.each([
    ["of a known length", Buffer.alloc(limitBytes + 1)],
    ["of unknown length", new Blob([Buffer.alloc(limitBytes + 1)]).stream()],
  ])("of more than 10 MB, %s, is answered 413", async (_what, body) => {
    const { address } = await serve(anyApi);
    const response = await fetch(address, { method: "POST", body, duplex: "half" });
    expect(response.status).toBe(413);
    expect(await response.json()).toEqual({ message: "Request Entity Too Large" });
  });
});

describe("for pages of other origins", () => {
  const origin = "https://bots.example";
  const asking = { "access-control-request-method": "POST" };

  /** The status, and the headers for a page, without the beginning that all have. */
  async function answerTo(method: string, headers: Record<string, string>) {
    const { address } = await serve(async () => jsonResponse(200, "asked"));
    const response = await fetch(address, { method, headers });
    const names = [...response.headers.keys()].filter((name) => name.startsWith("access-control-"));
    return [
      response.status,
      ...names.map((name) => `${name.slice(15)}: ${response.headers.get(name)}`),
    ];
  }

  test("a preflight is answered 204 with all that is configured, without asking the API", async () => {
    expect(await answerTo("OPTIONS", { origin, ...asking })).toEqual([
      204,
      "allow-headers: content-type,x-extra",
      "allow-methods: POST",
      "allow-origin: *",
      "expose-headers: date,x-a",
      "max-age: 600",
    ]);
  });

  test("whatever else they ask goes to the API, and they may read its answer", async () => {
    const readable = [200, "allow-origin: *", "expose-headers: date,x-a"];
    expect(await answerTo("POST", { origin, ...asking })).toEqual(readable);
    expect(await answerTo("OPTIONS", { origin })).toEqual(readable);
  });

  test("nobody else gets such headers", async () => {
    expect(await answerTo("OPTIONS", asking)).toEqual([200]);
  });

  test.each([
    [404, "/other", ""],
    [413, "/bad", Buffer.alloc(limitBytes + 1)],
    [500, "/bad", ""],
  ])("a page can read a %i of the gateway itself", async (status, path, body) => {
    const bad = "export const handler = async () => { throw new Error(); };";
    const { address } = await serveFunctions({ bad });
    const response = await fetch(address + path, { method: "POST", headers: { origin }, body });
    expect(response.status).toBe(status);
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("a function that fails", () => {
  let clock: WireClock;
  beforeEach(async () => {
    clock = await startWireClock();
  });
  afterEach(() => clock.stop());

  test.each([
    ["throws", "throw new Error('secret')"],
    ["exits", "process.exit(1)"],
    ["outlives its time limit", aLongLoop],
    ["answers what is no response", "return { statusCode: 'secret' }"],
  ])("because it %s is a 500 and harms no other", async (_how, code) => {
    const { address, reports } = await serveFunctions(
      {
        bad: `export const handler = async () => { ${code} };`,
        good: "export const handler = async () => ({ statusCode: 200, body: 'well' });",
      },
      { timeoutSeconds: 0.5 },
    );
    const post = (name: string) => fetch(`${address}/${name}`, { method: "POST" });
    const good = await post("good");
    // Time passes for that one alone which has nothing else to end it.
    const bad = await (code === aLongLoop ? clock.until(post("bad")) : post("bad"));
    expect(bad.status).toBe(500);
    expect(bad.headers.get("content-type")).toBe("application/json");
    expect(await bad.json()).toEqual(internalServerError);
    expect(await good.text()).toBe("well");
    expect(reports).toEqual([expect.stringContaining("POST /bad is answered 500: ")]);
  });
});

describe("at the end, the gateway", () => {
  test("lets a request in flight have its answer, and takes no more", async () => {
    const called = Promise.withResolvers<void>();
    const answer = Promise.withResolvers<void>();
    const { address, [Symbol.asyncDispose]: close } = await serve(async () => {
      called.resolve();
      await answer.promise;
      return jsonResponse(200, "x".repeat(5_000_000));
    });
    const inFlight = fetch(address);
    await called.promise;
    const closed = close();
    await expect(fetch(address)).rejects.toThrow();
    answer.resolve();
    expect(await (await inFlight).json()).toHaveLength(5_000_000);
    await closed;
  });

  test("does not wait for connections that nothing is asked on", async () => {
    const { address, port, [Symbol.asyncDispose]: close } = await serve(anyApi);
    await (await fetch(address)).text();
    const unused = connect(port, "127.0.0.1");
    await once(unused, "connect");
    // Node itself would end it after a minute, when this test has failed.
    await close();
  });
});
