import { spawnSync } from "node:child_process";
import dns from "node:dns";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer, request } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import {
  type AddressInfo,
  connect,
  createServer as createTcpServer,
  type Server,
  type Socket,
} from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { env } from "node:process";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { deflateSync, gzipSync } from "node:zlib";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import {
  openSession,
  ServiceNotFound,
  ServiceUnavailable,
  type Session,
  type SessionOptions,
  type SessionStatus,
  version,
} from "../../clients/typescript/open-session.ts";
import { maxAnswerBytes, post } from "../../clients/typescript/transport.ts";
import { startFakeService } from "./fake-service.ts";
import { runProgram } from "./run-program.ts";
import { steppingRuntime } from "./stepping-runtime.ts";

const claimPath = "/api/validate-license";
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
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  async function open(options: Partial<SessionOptions> = {}): Promise<Session> {
    const session = await openSession({ ...bot(), ...options });
    sessions.push(session);
    return session;
  }

  function bot(): SessionOptions {
    return { url: service.url, licenseKey: "KEY", deviceFingerprint: "device", logger: quiet };
  }

  function giveLeaseOfAMinute(): void {
    const lease = { session_timeout_seconds: 60, held_for_seconds: 55 };
    const granted = { ...service.answers[claimPath], ...lease, heartbeat_interval_seconds: 20 };
    service.answers[claimPath] = granted;
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

  test("each request looks the name up and connects anew, whatever the server offers to keep", async () => {
    const sockets = new Set<Socket>();
    service.instead = (response, { url = "", socket }) => {
      sockets.add(socket);
      response.setHeader("connection", "keep-alive");
      response.setHeader("keep-alive", "timeout=600");
      service.answer(response, url);
    };
    const { ended } = runProgram(
      service.url.replace("127.0.0.1", "license.test"),
      `import dns from "node:dns";
      let lookups = 0;
      let confirmed = () => {};
      bot.onStatus = ({ state }) => { if (state === "held") confirmed(); };
      dns.lookup = (name, options, take) => {
        lookups++;
        take(null, [{ address: "127.0.0.1", family: 4 }]);
      };
      const session = await openSession(bot);
      session.keep();
      await new Promise((resolve) => { confirmed = resolve; });
      console.log(await session.release(), lookups);`,
    );
    expect(await ended).toMatchObject({ exitCode: 0, output: "released 3\n" });
    expect(sockets.size).toBe(3);
  });

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

  test("a proxy that wants credentials is told as that", async () => {
    const proxy = createHttpServer();
    proxy.on("connect", (_incoming, socket) => {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    });
    const variables = {
      NODE_USE_ENV_PROXY: "1",
      HTTP_PROXY: `http://127.0.0.1:${(await listening(proxy)).port}`,
    };
    const { ended } = runProgram(
      service.url,
      `openSession({ ...bot, onStatus: ({ problem }) => { console.log(problem); process.exit(); } });`,
      variables,
    );
    expect((await ended).output).toMatch(/407/);
  });

  test("what a dispatcher of the process sends again by itself counts from its first sending", async () => {
    const claims: string[] = [];
    service.instead = async (response, request) => {
      const { url = "" } = request;
      if (url === claimPath && claims.push(await text(request)) === 1) response.destroy();
      else service.answer(response, url);
    };
    giveLeaseOfAMinute();
    const { ended } = runProgram(
      service.url,
      `import { text } from "node:stream/consumers";
      const clock = performance.now.bind(performance);
      let passedMs = 0;
      performance.now = () => clock() + passedMs;
      const key = Symbol.for("undici.globalDispatcher.1");
      await fetch("data:,");
      const agent = globalThis[key];
      globalThis[key] = {
        dispatch(options, handler) {
          void text(options.body).then((body) => {
            const again = () => {
              passedMs += 16_000;
              agent.dispatch({ ...options, body }, handler);
            };
            const retried = Object.assign(Object.create(handler), { onError: again });
            agent.dispatch({ ...options, body }, retried);
          });
          return true;
        },
      };
      const session = await openSession({ ...bot, requestTimeoutMs: 60_000, openWithinMs: 60_000 });
      console.log(session.rightLastsMs);
      await session.release();`,
    );
    const { exitCode, output } = await ended;
    expect({ exitCode, claims }).toEqual({ exitCode: 0, claims: Array(2).fill(claims[0]) });
    expect(Number(output)).toBeLessThanOrEqual(55_000 - 16_000);
    expect(Number(output)).toBeGreaterThan(0);
  });

  test("a name server that answers after 6 s delays an opening, and does not prevent it", async () => {
    giveLeaseOfAMinute();
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "performance", "Date"] });
    // Elsewhere the client also looks at the machine's uptime, which can't be set.
    vi.spyOn(process, "platform", "get").mockReturnValue("darwin");
    let lookups = 0;
    const lookup = (_name: string, _options: object, take: (...found: unknown[]) => void) => {
      lookups++;
      setTimeout(() => take(null, [{ address: "127.0.0.1", family: 4 }]), 6_000);
    };
    vi.spyOn(dns, "lookup").mockImplementation(lookup as never);
    const told: string[] = [];
    const url = service.url.replace("127.0.0.1", "license.test");
    const onStatus = (status: SessionStatus) =>
      told.push("problem" in status ? `${status.problem}` : status.state);
    void openSession({ ...bot(), url, onStatus, releaseAtExit: false });
    for (const attempt of [1, 2]) {
      while (lookups < attempt) await setImmediate();
      await vi.advanceTimersByTimeAsync(6_000);
    }
    while (told.length < 2) await setImmediate();
    expect({ told, lookups }).toEqual({ told: ["no_answer_in_time", "held"], lookups: 2 });
  });

  describe("over TLS, with a certificate authority of one's own (needs openssl)", () => {
    const hasOpenssl = spawnSync("openssl", ["version"]).status === 0 || env.CI !== undefined;
    const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    afterAll(() => rmSync(folder, { recursive: true }));

    /** A service with a certificate for that name, and the symbols that are claimed there. */
    async function startSecureService(name = "localhost", options: ServerOptions = {}) {
      const made = spawnSync("openssl", [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-days", "2", "-subj", "/CN=localhost", "-addext", `subjectAltName=DNS:${name}`],
        ...["-keyout", key, "-out", cert],
      ]);
      expect(made.status, String(made.stderr)).toBe(0);
      const claimed: unknown[] = [];
      const secrets = { key: readFileSync(key), cert: readFileSync(cert) };
      const secure = createHttpsServer({ ...options, ...secrets });
      secure.on("request", (incoming, outgoing) => {
        const { url = "" } = incoming;
        incoming.on("data", (chunk) => {
          if (url.endsWith("validate-license")) claimed.push(JSON.parse(String(chunk)).symbol);
        });
        service.answer(outgoing, url);
      });
      return { port: (await listening(secure)).port, claimed };
    }

    test
      .skipIf(!hasOpenssl)
      .for<[what: string, name: string, ServerOptions, RegExp, trusted: boolean]>([
        ["a foreign certificate", "localhost", {}, /self-signed certificate/, false],
        ["a wrong host name", "other.example", {}, /not in the cert's altnames/, true],
        [
          "old TLS",
          "localhost",
          { minVersion: "TLSv1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" },
          /protocol|version/i,
          true,
        ],
      ])(
      "%s ends the opening at the first attempt",
      async ([, name, options, problem, trusted]) => {
        const { port } = await startSecureService(name, options);
        const { ended } = runProgram(
          `https://localhost:${port}`,
          `const onStatus = ({ state }) => console.log(state);
        openSession({ ...bot, openWithinMs: 3_600_000, onStatus }).catch(({ name, problem }) => {
          console.log(name, problem);
        });`,
          trusted ? { NODE_EXTRA_CA_CERTS: cert } : {},
        );
        const { exitCode, output } = await ended;
        expect(exitCode).toBe(0);
        expect(output).toMatch(/^ServiceUnavailable .+\n$/);
        expect(output).toMatch(problem);
      },
    );

    test("an expired certificate is one of these, one that is not valid yet is not: clocks are set late", async () => {
      const outcomes = ["CERT_HAS_EXPIRED", "CERT_NOT_YET_VALID", "ECONNRESET"].map(
        async (code) => {
          const cause = Object.assign(new Error(code), { code });
          const fetch = () => Promise.reject(new TypeError("fetch failed", { cause }));
          const url = new URL("https://license.test");
          const outcome = await post(url, "{}", fetch, AbortSignal.any([]));
          return "lasting" in outcome;
        },
      );
      expect(await Promise.all(outcomes)).toEqual([true, false, false]);
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

  test("an error says the status and the request of the answer behind it", async () => {
    service.instead = (response) => {
      const answer = { code: "internal_error", request_id: "request-1" };
      response.writeHead(500).end(JSON.stringify(answer));
    };
    const opening = claimAndKeep(bot(), steppingRuntime(fetch, service.url));
    const problem = { code: "unavailable", problem: "internal_error" };
    await expect(opening).rejects.toMatchObject({
      ...problem,
      status: 500,
      requestId: "request-1",
      message: expect.stringContaining("internal_error"),
    });
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
});
