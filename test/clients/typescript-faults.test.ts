import { spawnSync } from "node:child_process";
import dns from "node:dns";
import { getEventListeners, once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createServer as createHttpServer } from "node:http";
import { createServer as createHttpsServer, type ServerOptions } from "node:https";
import type { AddressInfo, Server, Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { env } from "node:process";
import { text } from "node:stream/consumers";
import { setImmediate } from "node:timers/promises";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import { createClock } from "../../clients/typescript/clock.ts";
import {
  openSession,
  ServiceUnavailable,
  type SessionStatus,
} from "../../clients/typescript/open-session.ts";
import { neverAborted } from "../../clients/typescript/runtime.ts";
import { post } from "../../clients/typescript/transport.ts";
import { createWebRuntime } from "../../clients/typescript/web-runtime.ts";
import { startFakeService } from "./fake-service.ts";
import { runProgram } from "./run-program.ts";
import { steppingRuntime } from "./stepping-runtime.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const claimPath = "/api/validate-license";
const heartbeatPath = "/api/heartbeat";
const releasePath = "/api/session/release";

describe("the TypeScript client, in a world with faults", () => {
  let service: Awaited<ReturnType<typeof startFakeService>>;
  const servers: Server[] = [];
  beforeEach(async () => {
    service = await startFakeService();
  });
  afterEach(() => {
    for (const server of servers.splice(0)) server.close();
    service.stop();
    vi.restoreAllMocks();
    vi.useRealTimers();
  });

  function bot() {
    return { url: service.url, licenseKey: "KEY", deviceFingerprint: "device", logger: quiet };
  }

  function giveLeaseOfAMinute(): void {
    const lease = { session_timeout_seconds: 60, held_for_seconds: 55 };
    const granted = { ...service.answers[claimPath], ...lease, heartbeat_interval_seconds: 20 };
    service.answers[claimPath] = granted;
  }

  async function listening(server: Server): Promise<number> {
    servers.push(server);
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return (server.address() as AddressInfo).port;
  }

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

  test("a proxy that wants credentials is told as that", async () => {
    const proxy = createHttpServer();
    proxy.on("connect", (_incoming, socket) => {
      socket.end("HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n");
    });
    const variables = {
      NODE_USE_ENV_PROXY: "1",
      HTTP_PROXY: `http://127.0.0.1:${await listening(proxy)}`,
    };
    const { ended } = runProgram(
      service.url,
      `openSession({ ...bot, onStatus: ({ problem }) => { console.log(problem); process.exit(); } });`,
      variables,
    );
    expect((await ended).output).toMatch(/407/);
  });

  test("the innermost of an error's causes is what is told", async () => {
    const inner = new Error("Proxy response (407) !== 200 when HTTP Tunneling");
    const cause = new Error("Request was cancelled.", { cause: inner });
    const fetch = async () => {
      throw new TypeError("fetch failed", { cause });
    };
    const outcome = await post(new URL("http://license.test"), "{}", fetch, AbortSignal.any([]));
    expect(outcome).toMatchObject({ problem: inner.message, cause: { message: "fetch failed" } });
  });

  describe("over TLS (needs openssl)", () => {
    const hasOpenssl = spawnSync("openssl", ["version"]).status === 0 || env.CI !== undefined;
    const folder = mkdtempSync(join(tmpdir(), "license-sessions-"));
    const [key, cert] = [join(folder, "key.pem"), join(folder, "cert.pem")];
    afterAll(() => rmSync(folder, { recursive: true }));

    async function secureService(name: string, options: ServerOptions): Promise<string> {
      const made = spawnSync("openssl", [
        ...["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"],
        ...["-days", "2", "-subj", "/CN=localhost", "-addext", `subjectAltName=DNS:${name}`],
        ...["-keyout", key, "-out", cert],
      ]);
      expect(made.status, String(made.stderr)).toBe(0);
      const secrets = { key: readFileSync(key), cert: readFileSync(cert) };
      return `https://localhost:${await listening(createHttpsServer({ ...options, ...secrets }))}`;
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
        const url = await secureService(name, options);
        const { ended } = runProgram(
          url,
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
  });

  test("a `fetch` that hangs without a handle does not end the program in the middle of an opening", async () => {
    const { ended } = runProgram(
      service.url,
      `const fetch = () => new Promise(() => {});
      const { name } = await openSession({ ...bot, fetch, openWithinMs: 300 }).catch((error) => error);
      console.log(name);
      process.exit();`,
    );
    expect(await ended).toEqual({ exitCode: 0, signal: null, output: "ServiceUnavailable\n" });
  });

  test("a dozen sessions with one signal, and their releases, add one listener to a signal: Node.js 20 warns from eleven on", async () => {
    const ending = new AbortController();
    const listeners = ({ signal }: { signal: AbortSignal }) =>
      getEventListeners(signal, "abort").length;
    const unanswered: (() => void)[] = [];
    service.instead = (response, { url = "" }) => {
      if (url === releasePath) unanswered.push(() => service.answer(response, url));
      else service.answer(response, url);
    };
    const options = { ...bot(), signal: ending.signal };
    const sessions = await Promise.all(Array.from({ length: 12 }, () => openSession(options)));
    expect(listeners(ending)).toBe(1);
    ending.abort();
    await service.wasAsked(releasePath, 12);
    expect(listeners({ signal: neverAborted })).toBe(1);
    for (const answer of unanswered) answer();
    const outcomes = await Promise.all(sessions.map((session) => session.release()));
    expect(outcomes).toEqual(Array(12).fill("released"));
    expect([listeners(ending), listeners({ signal: neverAborted })]).toEqual([0, 0]);
  });

  test.for([
    [{ session_timeout_seconds: 0.001, held_for_seconds: 0.001 }],
    [{ session_timeout_seconds: 1, held_for_seconds: 0.001 }],
    [{ session_timeout_seconds: 60, held_for_seconds: 0.001 }],
  ])("a service that confirms %j does not lock the program out", async ([lease]) => {
    service.answers[heartbeatPath] = { code: "recorded", ...lease };
    const { ended } = runProgram(
      service.url,
      `const answers = ${JSON.stringify(service.answers)};
      const text = (url) => async () => JSON.stringify(answers[new URL(url).pathname]);
      const fetch = async (url) => ({ status: 200, headers: new Headers(), text: text(url) });
      const session = await openSession({ ...bot, fetch, releaseAtExit: false, onStatus() {} });
      session.keep();
      setTimeout(() => {
        console.log("not locked out");
        process.exit();
      }, 50);`,
    );
    expect((await ended).output).toContain("not locked out");
  });

  test("pauses that are over already let the program have its turn all the same", async () => {
    const runtime = createWebRuntime({ url: service.url }, quiet);
    let hadTurn = false;
    setTimeout(() => {
      hadTurn = true;
    });
    for (let pauses = 0; pauses < 1_000 && !hadTurn; pauses++)
      await runtime.pause(0, AbortSignal.any([]), "lets exit");
    expect(hadTurn).toBe(true);
  });

  test("clocks that never agree make five heartbeats a second at most", async () => {
    const beatsMs: number[] = [];
    const runtime = steppingRuntime(async (url) => {
      if (url.endsWith("heartbeat")) beatsMs.push(runtime.nowMs());
      if (beatsMs.length === 20) return Response.json({ code: "session_taken" });
      return Response.json(service.answers[new URL(url).pathname]);
    });
    let readings = 0;
    const restless = {
      ...runtime,
      wallMs: () => runtime.nowMs() + (beatsMs.length > 0 ? 2_000 * ++readings : 0),
      pause: async (...words: Parameters<typeof runtime.pause>) => {
        await setImmediate();
        await runtime.pause(...words);
      },
    };
    const session = await claimAndKeep(bot(), restless);
    await new Promise((resolve) => session.signal.addEventListener("abort", resolve));
    expect(session.signal.reason.code).toBe("session_taken");
    const gapsMs = beatsMs.slice(1).map((ms, index) => ms - (beatsMs[index] ?? 0));
    expect(gapsMs).toEqual(Array(19).fill(200));
  });

  test("a machine's sleep is counted to the millisecond from a second on", () => {
    let awakeMs = 1_000;
    let sleptMs = 0;
    vi.spyOn(process, "platform", "get").mockReturnValue("linux");
    vi.spyOn(performance, "now").mockImplementation(() => awakeMs);
    const uptime = () => (awakeMs + sleptMs) / 1_000;
    vi.spyOn(process, "getBuiltinModule").mockReturnValue({ uptime } as never);
    const { nowMs } = createClock();
    const startedMs = nowMs();
    sleptMs += 999;
    awakeMs += 10;
    expect(nowMs() - startedMs).toBe(10);
    sleptMs += 1_501;
    expect(nowMs() - startedMs).toBe(2_510);
    awakeMs += 100;
    sleptMs += 9_000;
    expect(nowMs() - startedMs).toBe(11_610);
  });

  test("what was retried by a `fetch` of its own counts from its sending, as any other", async () => {
    let calls = 0;
    const runtime = steppingRuntime(async (url) => {
      if (url.endsWith("validate-license") && ++calls === 1) {
        // It stored the claim with its first try, and failed with another, 16 s later.
        await runtime.pause(runtime.nowMs() + 16_000, AbortSignal.any([]), "lets exit");
        const cause = Object.assign(new Error("connect EHOSTUNREACH"), { code: "EHOSTUNREACH" });
        throw new TypeError("fetch failed", { cause });
      }
      return Response.json(service.answers[new URL(url).pathname]);
    });
    const session = await claimAndKeep({ ...bot(), onStatus() {} }, runtime);
    const sentMs = 17_000;
    expect(runtime.nowMs() + session.rightLastsMs).toBe(sentMs + 5_000);
    await session.release();
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

  test("opening over a fetch that fails in its own way keeps the cause", async () => {
    const fetch = () =>
      Promise.reject(Object.assign(new Error("own"), { code: "CERT_HAS_EXPIRED" }));
    const failure = await openSession({ ...bot(), fetch }).catch((error) => error);
    expect(failure).toBeInstanceOf(ServiceUnavailable);
    expect(failure).toMatchObject({ problem: "own", cause: { code: "CERT_HAS_EXPIRED" } });
  });
});
