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
} from "../../clients/typescript/open-session.ts";
import { startFakeService } from "./fake-service.ts";
import { problemOf } from "./problem-of.ts";
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

  test("an error of onStatus or report, thrown or rejected, does not end the keeping", async () => {
    const complaint = vi.spyOn(console, "error").mockImplementation(() => {});
    let told = 0;
    const session = await open({
      onStatus: () => {
        told++;
        if (told === 1) throw new Error("of the program");
        return Promise.reject(new Error("of the program"));
      },
      report: () => {
        throw new Error("of the program");
      },
    });
    await vi.waitFor(() => expect(told).toBeGreaterThan(2), 120_000);
    expect(session.held).toBe(true);
    expect(complaint).toHaveBeenCalled();
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
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
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
    expect(logger.warn.mock.calls).toEqual([[expect.stringMatching(/^The report took longer/)]]);
    answer({ status: "too late for that one" });
    await expect.poll(() => bodies.map(({ status }) => status)).toContain("trading");
    expect(bodies.map(({ status }) => status)).not.toContain("too late for that one");
  });

  test("a status callback that hangs stops neither heartbeats nor the end, and none overtakes it", async () => {
    const told: string[] = [];
    let go = (): void => {};
    const session = await open({
      onStatus: ({ state }) => {
        told.push(state);
        return new Promise<void>((resolve) => {
          go = resolve;
        });
      },
    });
    await service.wasAsked("/api/heartbeat");
    await session.release();
    expect(session.signal.aborted).toBe(true);
    expect(told).toEqual(["held"]);
    for (let calls = 1; told.at(-1) !== "ended"; calls++) {
      go();
      await expect.poll(() => told.length).toBeGreaterThan(calls);
    }
    expect(told).toEqual([...Array(told.length - 1).fill("held"), "ended"]);
  });

  test("the log has every change, the loss of the session as a warning, and no secret", async () => {
    const lines: [string, string][] = [];
    const logger = {
      debug: (text: string) => lines.push(["debug", text]),
      info: (text: string) => lines.push(["info", text]),
      warn: (text: string) => lines.push(["warn", text]),
      error: (text: string) => lines.push(["error", text]),
    };
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
    const told: string[] = [];
    const log = (level: string) => (text: string) => void told.push(`${level} ${text}`);
    const logger = {
      debug: log("debug"),
      info: log("info"),
      warn: log("warn"),
      error: log("error"),
    };
    const runtime = steppingRuntime(() => Promise.reject(new Error("refused")));
    const bot = { url: "http://unused", licenseKey: "KEY", deviceFingerprint: "device", logger };
    await expect(claimAndKeep(bot, runtime)).rejects.toThrow(ServiceUnavailable);
    const [first, ...others] = told.map((text) => text.replace("License session: ", ""));
    expect(first).toBe("warn not open yet (Error: refused); trying again");
    expect(new Set(others)).toEqual(new Set(["debug not open yet (Error: refused); trying again"]));
  });

  test("an answer that trickles in keeps nobody beyond the time", async () => {
    service.instead = (response) => {
      response.writeHead(200, { "content-length": "1000" });
      const drip = setInterval(() => response.write(" "), 50);
      response.on("close", () => clearInterval(drip));
    };
    await expect(open({ openWithinMs: 400 })).rejects.toThrow(ServiceUnavailable);
  });

  test("a redirect is not followed", async () => {
    service.instead = (response) => response.writeHead(302, { location: "/elsewhere" }).end();
    await expect(open({ openWithinMs: 300 })).rejects.toThrow(ServiceUnavailable);
    expect(service.asked).not.toContain("/elsewhere");
  });

  test("a service that is not there is told in words", async () => {
    service.stop();
    const bot = { url: service.url, licenseKey: "KEY", deviceFingerprint: "device" };
    expect(await problemOf(bot)).toMatch(/ECONNREFUSED/);
  });

  test("a signal that has fired before opens nothing", async () => {
    await expect(open({ signal: AbortSignal.abort(new Error("not now")) })).rejects.toThrow(
      "not now",
    );
    expect(service.asked).toEqual([]);
  });

  test("what could not work is refused before anything is sent", async () => {
    for (const options of [
      { marginMs: -1 },
      { marginMs: Number.NaN },
      { marginMs: Infinity },
      { requestTimeoutMs: 0 },
      { requestTimeoutMs: Number.NaN },
      { requestTimeoutMs: Infinity },
      { openWithinMs: -1 },
      { openWithinMs: Number.NaN },
      { openWithinMs: -Infinity },
    ]) {
      await expect(open(options)).rejects.toThrow(RangeError);
    }
    for (const url of ["ftp://host", "host", ""]) {
      await expect(open({ url })).rejects.toThrow(TypeError);
    }
    expect(service.asked).toEqual([]);
  });

  test("any length of time can be chosen", async () => {
    const longest = Number.MAX_VALUE;
    for (const openWithinMs of [longest, Infinity]) {
      const session = await open({ marginMs: longest, requestTimeoutMs: longest, openWithinMs });
      expect(session.held).toBe(true);
    }
  });

  test("a release outlives the page that sends it, a claim or a heartbeat does not", async () => {
    const sent = vi.spyOn(globalThis, "fetch");
    const session = await open();
    await vi.waitFor(() => expect(service.asked).toContain("/api/heartbeat"), 120_000);
    await session.release();
    for (const [url, options] of sent.mock.calls) {
      expect(options?.keepalive).toBe(String(url).endsWith("/api/session/release"));
    }
  });

  test("the address may have a path of its own, with a slash at its end or without", async () => {
    for (const path of ["/stage", "/stage/"]) {
      await open({ url: service.url + path, openWithinMs: 200 }).catch(() => {});
    }
    const claims = service.asked.filter((path) => path.endsWith("validate-license"));
    expect(claims).toEqual(Array(2).fill("/stage/api/validate-license"));
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
    const logger = { debug: vi.fn(), info: vi.fn(), warn: vi.fn(), error: vi.fn() };
    await (await open({ logger })).release();
    await (await open({ logger })).release();
    expect(logger.warn.mock.calls).toEqual([
      [expect.stringMatching(/^Node\.js \d+\.\d+\.\d+ has no clock .* update to 20\.16, 22\.3/)],
    ]);
    const packed = readFileSync(
      join(import.meta.dirname, "../../clients/typescript/package.json"),
      "utf8",
    );
    expect(JSON.parse(packed).engines.node).toBe("^20.16.0 || >=22.3.0");
    const page = readFileSync(join(import.meta.dirname, "../../docs/bots.md"), "utf8");
    expect(page).toContain("Node.js 20.16, 22.3 or later");
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
