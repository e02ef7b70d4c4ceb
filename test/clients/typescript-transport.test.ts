import { spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, request } from "node:http";
import { createServer as createHttpsServer } from "node:https";
import { type AddressInfo, connect, createServer as createTcpServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, test } from "vitest";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import {
  checkSession,
  LicenseRefused,
  LicenseSessionError,
  openSession,
  ServiceNotFound,
  ServiceUnavailable,
  type Session,
  type SessionOptions,
  SessionRefused,
  version,
} from "../../clients/typescript/open-session.ts";
import { maxAnswerBytes, post } from "../../clients/typescript/transport.ts";
import { startFakeService } from "./fake-service.ts";
import { runProgram } from "./run-program.ts";
import { steppingRuntime } from "./stepping-runtime.ts";

const releasePath = "/api/session/release";
const quiet = { debug() {}, info() {}, warn() {}, error() {} };

describe("the TypeScript client, between it and the service", () => {
  let service: Awaited<ReturnType<typeof startFakeService>>;
  const sessions: Session[] = [];
  const servers: Server[] = [];
  beforeEach(async () => {
    service = await startFakeService();
  });
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.release()));
    for (const server of servers.splice(0)) server.close();
    service.stop();
  });

  async function open(options: Partial<SessionOptions> = {}): Promise<Session> {
    const session = await openSession({ ...bot(), ...options });
    sessions.push(session);
    return session;
  }

  function bot(): SessionOptions {
    return { url: service.url, licenseKey: "KEY", deviceFingerprint: "device", logger: quiet };
  }

  async function listening<S extends Server>(server: S): Promise<S & { port: number }> {
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return Object.assign(server, { port: (server.address() as AddressInfo).port });
  }

  test("says who asks, in a header that firewalls look for", async () => {
    const agents: unknown[] = [];
    service.instead = (response, { url = "", headers }) => {
      agents.push(headers["user-agent"]);
      service.answer(response, url);
    };
    await (await open()).release();
    expect(agents).toEqual(Array(2).fill(`license-session-typescript/${version}`));
    const packed = readFileSync(
      join(import.meta.dirname, "../../clients/typescript/package.json"),
      "utf8",
    );
    expect(JSON.parse(packed).version).toBe(version);
  });

  test("sends every request through the `fetch` that was given", async () => {
    const sent: string[] = [];
    const session = await open({
      url: "http://[::1]",
      fetch: (url, init) => {
        sent.push(url);
        return fetch(url.replace("http://[::1]", service.url), init);
      },
    });
    expect(await session.release()).toBe("released");
    expect(sent).toEqual(["http://[::1]/api/validate-license", "http://[::1]/api/session/release"]);
  });

  test("a `fetch` that hangs, throws or answers without a stream takes no longer than its time", async () => {
    const hangs = () => new Promise<never>(() => {});
    await expect(open({ fetch: hangs, openWithinMs: 1_000 })).rejects.toThrow(ServiceUnavailable);
    const fails = () => {
      throw new Error("of its own");
    };
    const failure = await open({ fetch: fails, openWithinMs: 1_000 }).catch((error) => error);
    expect(failure).toMatchObject({ code: "unavailable", cause: { message: "of its own" } });
    const bare = {
      status: 404,
      headers: new Headers(),
      body: undefined,
      text: async () => "nothing here",
    };
    await expect(open({ fetch: async () => bare })).rejects.toThrow(ServiceNotFound);
  });

  test("an answer larger than any of the service is not read to its end", async () => {
    let written = 0;
    service.instead = (response) => {
      response.writeHead(200);
      const more = () => {
        while (!response.destroyed && response.write(Buffer.alloc(16_384, " "))) written += 16_384;
      };
      response.on("drain", more);
      more();
    };
    const problems: unknown[] = [];
    const aborting = new AbortController();
    const opening = open({
      signal: aborting.signal,
      onStatus: (status) => {
        problems.push("problem" in status && status.problem);
        aborting.abort();
      },
    });
    await expect(opening).rejects.toThrow(/aborted/);
    expect(problems).toEqual(["the answer is larger than 65536 bytes"]);
    // What the sockets of both sides hold was written, but no more.
    expect(written).toBeLessThan(maxAnswerBytes + 20_000_000);
  });

  test.for([
    ["gzip", gzipSync],
    ["deflate", deflateSync],
  ] as const)(
    "an answer that a proxy has compressed by %s is read, and no more of it than of another",
    async ([coding, compress]) => {
      const answers = [JSON.stringify({ code: "released" }), " ".repeat(maxAnswerBytes + 1)];
      service.instead = (response) => {
        response.writeHead(200, { "content-encoding": coding });
        response.end(compress(answers.shift() ?? ""));
      };
      const ask = () => post(new URL(service.url), "{}", fetch, AbortSignal.any([]));
      expect(await ask()).toMatchObject({ status: 200, text: '{"code":"released"}' });
      expect(await ask()).toMatchObject({ problem: "the answer is larger than 65536 bytes" });
    },
  );

  test("a name whose IPv6 address is dead is reached by its other address", async () => {
    const { ended } = runProgram(
      service.url.replace("127.0.0.1", "license.test"),
      `import dns from "node:dns";
      dns.lookup = (name, options, take) => take(null, [
        { address: "100::1", family: 6 }, { address: "127.0.0.1", family: 4 },
      ]);
      const session = await openSession(bot);
      console.log(await session.release());`,
    );
    expect(await ended).toEqual({ exitCode: 0, signal: null, output: "released\n" });
  });

  test("a name of four silent addresses takes no longer than the time for opening", async () => {
    const { ended } = runProgram(
      "http://license.test:9",
      `import net from "node:net";
      net.Socket.prototype.connect = function () { return this; };
      const failure = await openSession({ ...bot, openWithinMs: 300 }).catch((error) => error);
      console.log(failure.name);
      process.exit();`,
    );
    expect(await ended).toMatchObject({ exitCode: 0, output: "ServiceUnavailable\n" });
  });

  test("the proxy of the environment is used where Node.js is told to, and left out for NO_PROXY", async () => {
    const through: string[] = [];
    const proxy = createHttpServer((incoming, outgoing) => {
      through.push(incoming.url ?? "");
      const { method, headers } = incoming;
      const onward = request(incoming.url ?? "", { method, headers }, (answer) => {
        outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(outgoing);
      });
      incoming.pipe(onward);
    });
    proxy.on("connect", (incoming, socket) => {
      through.push(incoming.url ?? "");
      const port = Number(incoming.url?.split(":")[1]);
      const onward = connect(port, "127.0.0.1");
      socket.write("HTTP/1.1 200 Connection Established\r\n\r\n");
      socket.pipe(onward).pipe(socket);
      socket.on("error", () => onward.destroy());
      onward.on("error", () => socket.destroy());
    });
    const { port } = await listening(proxy);
    const variables = { NODE_USE_ENV_PROXY: "1", HTTP_PROXY: `http://127.0.0.1:${port}` };
    const program = "console.log(await (await openSession(bot)).release());";
    const released = { exitCode: 0, output: "released\n" };

    const direct = { ...variables, NO_PROXY: "127.0.0.1" };
    expect(await runProgram(service.url, program, direct).ended).toMatchObject(released);
    expect(through).toEqual([]);
    expect(await runProgram(service.url, program, variables).ended).toMatchObject(released);
    expect(through).not.toEqual([]);
  });

  describe("over TLS, with a certificate authority of one's own (needs openssl)", () => {
    const hasOpenssl = spawnSync("openssl", ["version"]).status === 0 || env.CI !== undefined;
    const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    afterAll(() => rmSync(folder, { recursive: true }));

    async function startSecureService(): Promise<{ port: number; claimed: unknown[] }> {
      const made = spawnSync("openssl", [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-days", "2", "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        ...["-keyout", key, "-out", cert],
      ]);
      expect(made.status, String(made.stderr)).toBe(0);
      const claimed: unknown[] = [];
      const secure = createHttpsServer({ key: readFileSync(key), cert: readFileSync(cert) });
      secure.on("request", (incoming, outgoing) => {
        const { url = "" } = incoming;
        incoming.on("data", (chunk) => {
          if (url.endsWith("validate-license")) claimed.push(JSON.parse(String(chunk)).symbol);
        });
        service.answer(outgoing, url);
      });
      return { port: (await listening(secure)).port, claimed };
    }

    test.skipIf(!hasOpenssl)("it is trusted through NODE_EXTRA_CA_CERTS alone", async () => {
      const { port } = await startSecureService();
      const url = `https://localhost:${port}`;
      const program = `
        const onStatus = ({ state, problem }) => {
          if (state !== "opening") return;
          console.log(problem);
          process.exit();
        };
        const session = await openSession({ ...bot, requestTimeoutMs: 600_000, openWithinMs: 600_000, onStatus });
        console.log(await session.release());
        process.exit();`;
      const trusting = runProgram(url, program, { NODE_EXTRA_CA_CERTS: cert });
      expect((await trusting.ended).output).toBe("released\n");
      expect((await runProgram(url, program).ended).output).toMatch(/self-signed certificate/);
    });

    test.skipIf(!hasOpenssl)(
      "a claim that was given up before its connection stood is never sent",
      async () => {
        const secure = await startSecureService();
        let open = () => {};
        const gate = new Promise<void>((resolve) => {
          open = resolve;
        });
        const front = createTcpServer(async (socket) => {
          socket.on("error", () => {});
          await gate;
          const onward = connect(secure.port, "127.0.0.1");
          onward.on("error", () => {});
          socket.pipe(onward).pipe(socket);
        });
        const { port } = await listening(front);
        const { child, ended } = runProgram(
          `https://localhost:${port}`,
          `await openSession({ ...bot, symbol: "FIRST", openWithinMs: 300 }).catch(() => {});
          console.log("given up");
          const session = await openSession({ ...bot, symbol: "SECOND" });
          console.log(await session.release());
          process.exit();`,
          { NODE_EXTRA_CA_CERTS: cert },
        );
        child.stdout?.once("data", open);
        expect(await ended).toMatchObject({ output: "given up\nreleased\n" });
        expect(new Set(secure.claimed)).toEqual(new Set(["SECOND"]));
      },
    );
  });

  test("an error says the status, the code, the request and what was behind it", async () => {
    service.instead = (response) => {
      const answer = { code: "internal_error", request_id: "request-1" };
      response.writeHead(500).end(JSON.stringify(answer));
    };
    const runtime = steppingRuntime(fetch, service.url);
    const unavailable = await claimAndKeep(bot(), runtime).catch((error) => error);
    expect(unavailable).toBeInstanceOf(ServiceUnavailable);
    expect(unavailable).toBeInstanceOf(LicenseSessionError);
    expect(unavailable).toMatchObject({
      code: "unavailable",
      status: 500,
      requestId: "request-1",
      message: expect.stringContaining("internal_error"),
    });

    service.instead = (response) => {
      const answer = {
        code: "session_conflict",
        active_device: "lap...",
        estimated_wait_seconds: 7,
      };
      response.writeHead(403, { "apigw-requestid": "request-2" }).end(JSON.stringify(answer));
    };
    const refused = await open().catch((error) => error);
    expect(refused).toBeInstanceOf(SessionRefused);
    expect(refused).toBeInstanceOf(LicenseSessionError);
    expect(refused).toMatchObject({ status: 403, requestId: "request-2", waitSeconds: 7 });
  });

  test("what the service says of the license can be read from the session", async () => {
    const granted = { license_type: "pro", active_symbols: ["ES"] };
    Object.assign(service.answers["/api/validate-license"] ?? {}, granted, {
      expiry_date: "2026-12-31T00:00:00.000Z",
    });
    const session = await open();
    expect(session.license).toEqual({
      type: "pro",
      expiresAt: new Date("2026-12-31T00:00:00.000Z"),
      activeSymbols: ["ES"],
    });
    service.answers["/api/heartbeat"] = {
      ...service.answers["/api/heartbeat"],
      license_expiration: null,
      active_symbols: ["ES", "NQ"],
    };
    const answered = service.asked.length;
    await service.wasAsked("/api/heartbeat");
    expect(answered).toBeGreaterThan(0);
    await expect.poll(() => session.license.activeSymbols).toEqual(["ES", "NQ"]);
    expect(session.license).toMatchObject({ type: "pro", expiresAt: undefined });
  });

  test("a check claims nothing and says whether a claim would succeed", async () => {
    const bodies: unknown[] = [];
    let answer: { status: number; body: object } = { status: 200, body: {} };
    service.instead = (response, incoming) => {
      incoming.on("data", (chunk) => bodies.push(JSON.parse(String(chunk))));
      response.writeHead(answer.status).end(JSON.stringify(answer.body));
    };
    answer = { status: 200, body: { code: "available", license_type: "pro", expiry_date: null } };
    expect(await checkSession(bot())).toEqual({
      available: true,
      license: { type: "pro", expiresAt: undefined, activeSymbols: [] },
    });
    answer = {
      status: 403,
      body: { code: "session_conflict", message: "held", active_device: "lap..." },
    };
    expect(await checkSession(bot())).toEqual({
      available: false,
      code: "session_conflict",
      message: "held",
      activeDevice: "lap...",
      waitSeconds: undefined,
    });
    answer = { status: 401, body: { code: "license_expired" } };
    await expect(checkSession(bot())).rejects.toThrow(LicenseRefused);
    answer = { status: 500, body: { code: "internal_error" } };
    await expect(checkSession({ ...bot(), openWithinMs: 1_000 })).rejects.toThrow(
      ServiceUnavailable,
    );
    for (const body of bodies) expect(body).toMatchObject({ check_only: true });
    expect(service.asked).not.toContain(releasePath);
  });
});
