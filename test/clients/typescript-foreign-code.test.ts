import { setImmediate } from "node:timers/promises";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { createCallQueue } from "../../clients/typescript/call-queue.ts";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import type {
  FetchFunction,
  Session,
  SessionOptions,
} from "../../clients/typescript/open-session.ts";
import { steppingRuntime } from "./stepping-runtime.ts";

const quiet = { debug() {}, info() {}, warn() {}, error() {} };
const rightMs = 55_000;
const symbols = ["ES", "NQ", "CL", "GC"];
const lease = { session_timeout_seconds: 60, held_for_seconds: 55 };

/**
 * A session whose service confirms six heartbeats, of which each names a lost symbol and a request
 * to release, in a world in which `block` lets half a minute pass at once, twice.
 */
async function keepWith(optionsWith: (block: () => void) => Partial<SessionOptions>) {
  let sessions: Session[] = [];
  let beats = 0;
  let blocked = 0;
  let confirmedMs = 0;
  const held: boolean[] = [];
  const service: FetchFunction = async (url, { body }) => {
    await options.fetch?.(url, {} as never).catch(() => {});
    const sentMs = runtime.nowMs();
    if (url.endsWith("release")) return Response.json({ code: "released" });
    if (url.endsWith("validate-license")) {
      confirmedMs = sentMs;
      const grant = { code: "granted", session_id: "session-1", fencing_token: 1 };
      return Response.json({ ...grant, ...lease, heartbeat_interval_seconds: 20 });
    }
    if (JSON.parse(body).status === "unreadable")
      return Response.json({ code: "bad_request", field: "status" }, { status: 400 });
    beats++;
    if (beats > 6) return Response.json({ code: "session_taken" }, { status: 500 });
    confirmedMs = sentMs;
    const asked = beats % 2 === 0 ? { release_asked_by: "laptop-5..." } : {};
    const [lost, ...left] = JSON.parse(body).symbols;
    if (left.length === 0) return Response.json({ code: "recorded", ...lease, ...asked });
    const answer = { symbols_held: left, symbols_lost: [{ symbol: lost, code: "session_taken" }] };
    return Response.json({ code: "session_taken", ...answer, ...lease, ...asked }, { status: 500 });
  };
  const stepping = steppingRuntime(service);
  const runtime = {
    ...stepping,
    async pause(untilMs: number, signal: AbortSignal, mode: "keeps alive" | "lets exit") {
      await setImmediate();
      look();
      if (!signal.aborted) await stepping.pause(untilMs, signal, mode);
    },
  };
  const look = () => {
    for (const session of sessions) {
      held.push(session.held);
      if (session.held) expect(runtime.nowMs()).toBeLessThan(confirmedMs + rightMs);
    }
  };
  const block = () => {
    look();
    if (blocked >= 4 || (sessions.length === 0 && blocked >= 2)) return;
    blocked++;
    // The pause of this runtime lets the time pass at once, before it returns.
    void stepping.pause(runtime.nowMs() + 30_000, AbortSignal.any([]), "lets exit");
    look();
  };
  const options: Partial<SessionOptions> = optionsWith(block);
  const bot = { url: "http://unused", licenseKey: "KEY", deviceFingerprint: "device", symbols };
  const session = await claimAndKeep(
    { logger: quiet, ...bot, ...options, fetch: undefined },
    runtime,
  );
  sessions = [session];
  await new Promise((resolve) => session.signal.addEventListener("abort", resolve));
  sessions = [];
  return { beats, blocked, held, reason: session.signal.reason };
}

describe("foreign code that blocks for half a minute leaves no right longer than it lasts, and the session goes on:", () => {
  test.for<[what: string, optionsWith: (block: () => void) => Partial<SessionOptions>]>([
    ["a logger", (block) => ({ logger: { ...quiet, info: block, debug: block, warn: block } })],
    ["onStatus", (block) => ({ onStatus: block })],
    ["onSymbolLost", (block) => ({ onSymbolLost: block })],
    ["onReleaseRequest", (block) => ({ onReleaseRequest: block })],
    [
      "a report",
      (block) => ({
        report: () => {
          block();
          return { status: "trading" };
        },
      }),
    ],
    [
      "a transport",
      (block) => ({
        fetch: async () => {
          block();
          throw new Error("unused");
        },
      }),
    ],
  ])("%s", async ([, optionsWith]) => {
    const { beats, blocked, held, reason } = await keepWith(optionsWith);
    expect(blocked).toBeGreaterThanOrEqual(2);
    expect(held).toContain(true);
    expect({ beats, code: reason.code }).toEqual({ beats: 7, code: "session_taken" });
  });
});

test.for<[what: string, logger: () => unknown]>([
  [
    "throws",
    () => {
      throw new Error("of the logger");
    },
  ],
  ["rejects", () => Promise.reject(new Error("of the logger"))],
])("a logger that %s ends neither the session nor the program", async ([, log]) => {
  const logger = { debug: log, info: log, warn: log, error: log } as SessionOptions["logger"];
  const { beats, reason } = await keepWith(() => ({ logger }));
  expect({ beats, code: reason.code }).toEqual({ beats: 7, code: "session_taken" });
});

test("without a logger, errors of the program's code are printed on the console", async () => {
  const print = vi.spyOn(console, "error").mockImplementation(() => {});
  onTestFinished(() => void print.mockRestore());
  const failure = new Error("of the program");
  await keepWith(() => ({ logger: undefined, onSymbolLost: () => Promise.reject(failure) }));
  expect(print.mock.calls).toEqual(Array(3).fill(["onSymbolLost failed:", failure]));
});

test.for([[null], ["trading"], [7]])("a report that is none, %j, is left out", async ([report]) => {
  const { beats, reason } = await keepWith(() => ({ report: () => report as never }));
  expect({ beats, code: reason.code }).toEqual({ beats: 7, code: "session_taken" });
});

test("a callback that does not return holds up no other one", async () => {
  const lost: string[] = [];
  const asked: string[] = [];
  await keepWith(() => ({
    onStatus: () => new Promise(() => {}),
    onSymbolLost: ({ symbol }) => void lost.push(symbol),
    onReleaseRequest: ({ device }) => void asked.push(device),
  }));
  expect(lost).toEqual(["ES", "NQ", "CL"]);
  // While symbols are lost, an answer without a request does not say that it is gone.
  expect(asked).toEqual(Array(2).fill("laptop-5..."));
});

describe("what goes wrong is said in the log:", () => {
  const failure = new Error("of the program");
  const fails = () => {
    throw failure;
  };
  const rejects = () => Promise.reject(failure);

  function logTo(said: unknown[][]) {
    const logged = (...words: unknown[]) => said.push(words);
    return { ...quiet, warn: logged, error: logged };
  }

  test.for<[text: string, times: number, options: Partial<SessionOptions>, details?: unknown[]]>([
    ["The report failed; the heartbeat is sent without it:", 7, { report: fails }],
    ["The report failed; the heartbeat is sent without it:", 7, { report: rejects }],
    [
      "The report can't be written as JSON; the heartbeat is sent without it:",
      7,
      { report: () => ({ metadata: { number: 1n } }) },
      [expect.any(TypeError)],
    ],
    [
      "The service can't read the report (bad_request status): from now on, heartbeats are sent without one",
      1,
      { report: () => ({ status: "unreadable" }) },
      [],
    ],
    ["onStatus failed:", 8, { onStatus: fails }],
    ["onStatus failed:", 8, { onStatus: rejects }],
    ["onSymbolLost failed:", 3, { onSymbolLost: fails }],
    ["onReleaseRequest failed:", 2, { onReleaseRequest: fails }],
    ["License session of 4 symbols: NQ is lost (session_taken)", 1, {}, []],
  ])("%s, %i times", async ([text, times, options, details = [failure]]) => {
    const said: unknown[][] = [];
    await keepWith(() => ({ logger: logTo(said), ...options }));
    expect(said.filter(([first]) => first === text)).toEqual(Array(times).fill([text, ...details]));
  });

  test("of a callback that does not return, the oldest calls are dropped, of more than a hundred", async () => {
    const said: unknown[][] = [];
    const called: number[] = [];
    const first = Promise.withResolvers<void>();
    const hangs = (call: number) => {
      called.push(call);
      return call === 0 ? first.promise : undefined;
    };
    const call = createCallQueue("onStatus", hangs, logTo(said));
    for (let calls = 0; calls <= 102; calls++) call(calls);
    const text = "onStatus has not returned for a long time: its oldest call was dropped";
    expect(said).toEqual([[text], [text]]);
    first.resolve();
    await setImmediate();
    expect(called).toEqual([0, ...Array.from({ length: 100 }, (_, index) => index + 3)]);
  });

  test("a bug of the client ends the session, and does not leave it without a keeper", async () => {
    const said: unknown[][] = [];
    const runtime = steppingRuntime(async () =>
      Response.json({
        code: "granted",
        session_id: "session-1",
        fencing_token: 1,
        ...lease,
        heartbeat_interval_seconds: 20,
      }),
    );
    const bot = { url: "http://unused", licenseKey: "KEY", deviceFingerprint: "device" };
    const session = await claimAndKeep(
      { ...bot, logger: logTo(said) },
      { ...runtime, pause: () => Promise.reject(failure) },
    );
    await new Promise((resolve) => session.signal.addEventListener("abort", resolve));
    expect(session.signal.reason).toMatchObject({ reason: "lost", code: "keeper_failed" });
    expect(said[0]).toEqual(["Keeping the session failed, which is a bug of the client:", failure]);
  });
});
