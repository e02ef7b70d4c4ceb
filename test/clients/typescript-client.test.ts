import { readFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { setTimeout as wait } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import { createClock } from "../../clients/typescript/clock.ts";
import {
  type BotReport,
  openSession,
  ServiceUnavailable,
  type Session,
  SessionEnded,
  type SessionOptions,
  type SessionStatus,
} from "../../clients/typescript/open-session.ts";
import { createWebRuntime } from "../../clients/typescript/web-runtime.ts";
import { startFakeService } from "./fake-service.ts";
import { runProgram } from "./run-program.ts";
import { steppingRuntime } from "./stepping-runtime.ts";

describe("the TypeScript client, over HTTP", () => {
  let service: Awaited<ReturnType<typeof startFakeService>>;
  const sessions: Session[] = [];
  beforeEach(async () => {
    service = await startFakeService();
  });
  afterEach(async () => {
    await Promise.all(sessions.splice(0).map((session) => session.release()));
    service.stop();
    vi.restoreAllMocks();
  });

  async function open(options: Partial<SessionOptions> = {}): Promise<Session> {
    const { url } = service;
    const session = await openSession({
      url,
      licenseKey: "KEY",
      deviceFingerprint: "device",
      ...options,
    });
    sessions.push(session);
    return session;
  }

  test("a session is held, kept and released", async () => {
    const session = await open();
    expect(session).toMatchObject({ held: true, sessionId: "session-1", fencingToken: 1 });
    await vi.waitFor(() => expect(service.asked).toContain("/api/heartbeat"), 120_000);
    expect(await session.release()).toBe("released");
    expect(session.held).toBe(false);
    expect(session.signal.reason).toBeInstanceOf(SessionEnded);
  });

  test("however often it is released, also by what hears of its end, it is released once", async () => {
    const session = await open({
      onStatus: ({ state }) => (state === "ended" ? session.release() : undefined),
    });
    session.signal.addEventListener("abort", () => void session.release());
    await Promise.all([session.release(), session.release()]);
    expect(service.asked.filter((path) => path.endsWith("release"))).toHaveLength(1);
  });

  test("a program that waits for the release gets to see its end, also when it is tried again", async () => {
    const { ended } = runProgram(
      service.url,
      `const session = await openSession(bot);
      let calls = 0;
      const web = globalThis.fetch;
      globalThis.fetch = (...args) => ++calls === 1 ? Promise.reject(new TypeError("reset")) : web(...args);
      console.log(await session.release());`,
    );
    expect(await ended).toEqual({ exitCode: 0, signal: null, output: "released\n" });
  });

  test("a report that hangs costs a heartbeat its report, once, and a moment", async () => {
    const bodies: Record<string, unknown>[] = [];
    service.instead = (response, incoming) => {
      const { url = "" } = incoming;
      incoming.on("data", (chunk) => {
        if (url === "/api/heartbeat") bodies.push(JSON.parse(String(chunk)));
      });
      service.answer(response, url);
    };
    let asked = 0;
    let answer = (_report: BotReport): void => {};
    const { lines, logger } = createLog();
    const session = await open({
      logger,
      report: () => {
        asked++;
        if (asked > 1) return { status: "trading" };
        return new Promise((resolve) => {
          answer = resolve;
        });
      },
    });
    await service.wasAsked("/api/heartbeat", 2);
    expect(session.held).toBe(true);
    expect(asked).toBe(1);
    const warnings = lines.filter(([level]) => level === "warn");
    expect(warnings).toEqual([["warn", expect.stringMatching(/^The report took longer/)]]);
    answer({ status: "too late for that one" });
    await expect.poll(() => bodies.map(({ status }) => status)).toContain("trading");
    expect(bodies.map(({ status }) => status)).not.toContain("too late for that one");
  });

  test("the log has every change, the loss of the session as a warning, and no secret", async () => {
    const { lines, logger } = createLog();
    const session = await open({ logger, symbol: "ES" });
    await expect.poll(() => lines.length).toBeGreaterThan(1);
    service.answers["/api/heartbeat"] = { code: "session_taken", active_device: "lap..." };
    await new Promise((resolve) => session.signal.addEventListener("abort", resolve));
    const held = expect.stringMatching(/^License session ES: held; the right lasts \d\.\d s$/);
    expect(lines.at(0)).toEqual(["info", held]);
    expect(lines).toContainEqual(["debug", held]);
    expect(lines.at(-1)).toEqual([
      "warn",
      "License session ES: over: taken (session_taken), now held by lap...",
    ]);
    expect(lines.join()).not.toMatch(/KEY|device"/);
  });

  test("of the attempts to open, the first that fails is a warning: a wrong port is not silent for half a minute", async () => {
    const { lines, logger } = createLog();
    const runtime = steppingRuntime(() => Promise.reject(new Error("refused")));
    const bot = { url: "http://unused", licenseKey: "KEY", deviceFingerprint: "device", logger };
    await expect(claimAndKeep(bot, runtime)).rejects.toThrow(ServiceUnavailable);
    const text = "License session: not open yet (Error: refused); trying again";
    const others = Array(lines.length - 1).fill(["debug", text]);
    expect(lines).toEqual([["warn", text], ...others]);
  });

  test("a redirect is not followed", async () => {
    service.instead = (response) => response.writeHead(302, { location: "/elsewhere" }).end();
    await expect(open({ openWithinMs: 300 })).rejects.toThrow(ServiceUnavailable);
    expect(service.asked).not.toContain("/elsewhere");
  });

  test("a signal that has fired before opens nothing", async () => {
    await expect(open({ signal: AbortSignal.abort(new Error("not now")) })).rejects.toThrow(
      "not now",
    );
    expect(service.asked).toEqual([]);
  });

  test("any length of time can be chosen", async () => {
    const longest = Number.MAX_VALUE;
    for (const openWithinMs of [longest, Infinity]) {
      const session = await open({ marginMs: longest, requestTimeoutMs: longest, openWithinMs });
      expect(session.held).toBe(true);
    }
  });

  test.for(["session_conflict", "session_limit"])(
    "the status says that an opening waits, and for what: %s",
    async (code) => {
      const runtime = steppingRuntime(async () => Response.json({ code }, { status: 403 }));
      const codes: unknown[] = [];
      const onStatus = (status: SessionStatus) => void codes.push("code" in status && status.code);
      const bot = { url: "http://unused", licenseKey: "KEY", deviceFingerprint: "device" };
      const opening = claimAndKeep({ ...bot, waitWithinMs: 1_000, onStatus }, runtime);
      await expect(opening).rejects.toMatchObject({ code });
      expect(codes).toEqual([code]);
    },
  );

  test("a release outlives the page that sends it, a claim or a heartbeat does not", async () => {
    const sent = vi.spyOn(globalThis, "fetch");
    const session = await open();
    await vi.waitFor(() => expect(service.asked).toContain("/api/heartbeat"), 120_000);
    await session.release();
    for (const [url, options] of sent.mock.calls) {
      expect(options?.keepalive).toBe(String(url).endsWith("/api/session/release"));
    }
  });

  test("a wall clock that somebody sets costs the right until one heartbeat, and not the session", async () => {
    const statuses: string[] = [];
    const session = await open({
      onStatus: (status) => statuses.push("problem" in status ? `${status.problem}` : status.state),
    });
    const wall = Date.now;
    vi.spyOn(Date, "now").mockImplementation(() => wall() + 3_600_000);
    expect(session.held).toBe(false);
    await expect.poll(() => session.held).toBe(true);
    await service.wasAsked("/api/heartbeat", 2);
    expect(statuses.filter((status) => status === "clocks_parted")).toHaveLength(1);
    expect(session.signal.aborted).toBe(false);
  });

  test("a Node.js without a clock that counts the machine's sleep says so, once and with the way out", async () => {
    vi.spyOn(process, "platform", "get").mockReturnValue("linux");
    vi.spyOn(process, "getBuiltinModule").mockReturnValue(undefined as never);
    const { lines, logger } = createLog();
    await (await open({ logger })).release();
    await (await open({ logger })).release();
    expect(lines.filter(([level]) => level === "warn")).toEqual([
      ["warn", expect.stringMatching(/^Node\.js [\d.]+ has no clock .* update to 20\.16, 22\.3/)],
    ]);
    const packed = readFileSync(
      join(import.meta.dirname, "../../clients/typescript/package.json"),
      "utf8",
    );
    expect(JSON.parse(packed).engines.node).toBe("^20.16.0 || >=22.3.0");
    const page = readFileSync(join(import.meta.dirname, "../../docs/bots.md"), "utf8");
    expect(page).toContain("Node.js 20.16, 22.3 or later");
  });

  test("pauses that are over already let the program have its turn all the same", async () => {
    const runtime = createWebRuntime({ url: service.url }, console);
    let hadTurn = false;
    setTimeout(() => {
      hadTurn = true;
    });
    for (let pauses = 0; pauses < 1_000 && !hadTurn; pauses++)
      await runtime.pause(0, AbortSignal.any([]), "lets exit");
    expect(hadTurn).toBe(true);
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

  test("the clock never goes back, keeps step, and counts the sleep of the machine", async () => {
    const { nowMs, shortcoming } = createClock();
    expect(shortcoming).toBeUndefined();
    // Each reading lies between two of the other clock, however long the machine takes for it.
    const [earliest, startedMs, started] = [performance.now(), nowMs(), performance.now()];
    await wait(50);
    const [ended, endedMs, latest] = [performance.now(), nowMs(), performance.now()];
    expect(endedMs - startedMs).toBeGreaterThan(ended - started - 5);
    expect(endedMs - startedMs).toBeLessThan(latest - earliest + 5);
    vi.spyOn(performance, "now").mockReturnValue(started - 60_000);
    if (process.platform === "linux") expect(nowMs() - startedMs).toBeGreaterThan(-100);
  });
});

function createLog() {
  const lines: [level: string, text: string][] = [];
  const log = (level: string) => (text: string) => void lines.push([level, text]);
  const logger = {
    debug: log("debug"),
    info: log("info"),
    warn: log("warn"),
    error: log("error"),
  };
  return { lines, logger };
}
