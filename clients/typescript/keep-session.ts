import { readHeartbeatAnswer } from "./answers.ts";
import type { Claim } from "./claiming-state.ts";
import { SessionEnded } from "./errors.ts";
import {
  advance,
  type KeepingEvent,
  requestUntilMs,
  rightLastsMs,
  startKeeping,
  wakeMs,
} from "./keeping-state.ts";
import type { Notifier } from "./notifier.ts";
import { onAbort } from "./on-abort.ts";
import { releaseSession } from "./release-session.ts";
import { createReporter } from "./reporter.ts";
import { type BotReport, heartbeatPath, heartbeatText } from "./requests.ts";
import { type Runtime, readClocks } from "./runtime.ts";
import type { ReleaseOutcome, Session, SessionOptions } from "./session.ts";
import { symbolsAmong } from "./symbols.ts";

/** Older browsers lack it. Compiled `await using` then looks for this symbol. */
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

/** Keeps a claimed session until it is over. `keeping-state.ts` makes the decisions. */
export function keepSession(
  { granted, sent }: Claim,
  options: SessionOptions,
  runtime: Runtime,
  { notify, symbolLost, releaseAsked, log }: Notifier,
): Session {
  const { sessionId, fencingToken } = granted;
  const over = new AbortController();
  const takeReport = createReporter(options, runtime, log);
  let keeping = startKeeping(granted, sent, options, runtime.random());
  let releasing: Promise<ReleaseOutcome> | undefined;
  /** Given up by the program, but perhaps still held at the service. */
  const unreleased = new Set<string>();
  let wake = (): void => {};

  const session: Session = {
    sessionId,
    fencingToken,
    get license() {
      return keeping.license;
    },
    get held() {
      return session.rightLastsMs > 0;
    },
    get rightLastsMs() {
      return rightLastsMs(keeping, readClocks(runtime));
    },
    get symbols() {
      return session.held ? keeping.symbols : [];
    },
    holds: (symbol) => symbolsAmong([symbol], session.symbols).length > 0,
    signal: over.signal,
    keep() {
      take({ kind: "kept" });
      wake();
    },
    release(symbols) {
      const some = symbols && symbolsAmong(keeping.symbols, symbols);
      if (some?.length === 0) return Promise.resolve("not_held");
      if (some && some.length < keeping.symbols.length) return releaseSome(some);
      if (releasing) return releasing;
      // Set before the release begins, because callbacks in between may also call `release`.
      let begin = (_outcome: Promise<ReleaseOutcome>): void => {};
      releasing = new Promise((resolve) => {
        begin = resolve;
      });
      begin(release());
      return releasing;
    },
    async [asyncDispose]() {
      await session.release();
    },
  };

  if (options.signal) {
    const stopListening = onAbort(options.signal, () => void session.release());
    over.signal.addEventListener("abort", stopListening);
  }
  if (options.signal?.aborted) void session.release();
  else notify({ state: "held", rightLastsMs: session.rightLastsMs });
  keep().catch((error) => {
    log.error("Keeping the session failed, which is a bug of the client:", error);
    take({ kind: "ended", end: { reason: "lost", code: "keeper_failed" } });
  });
  return session;

  async function keep(): Promise<void> {
    while (!over.signal.aborted) {
      const plannedMs = wakeMs(keeping);
      const waking = new AbortController();
      wake = () => waking.abort();
      await runtime.pause(plannedMs, waking.signal, "lets exit");
      take({ kind: "woke", plannedMs });
      if (!over.signal.aborted && runtime.nowMs() >= keeping.nextBeatMs) await beat();
    }
  }

  async function beat(): Promise<void> {
    const report = await nextReport();
    if (over.signal.aborted) return;
    const sent = readClocks(runtime);
    const plannedMs = requestUntilMs(keeping, sent.nowMs);
    const { symbols, saysKeep } = keeping;
    const text = heartbeatText(options, sessionId, report, { symbols, keep: saysKeep });
    const exchange = await runtime.exchange(heartbeatPath, text, plannedMs, over.signal);
    const outcome = readHeartbeatAnswer(exchange);
    if (outcome.kind === "unreadable" && report)
      log.warn(
        `The service can't read the report (${outcome.problem}): from now on, heartbeats are sent without one`,
      );
    take({ kind: "answered", outcome, sent, plannedMs, saidKeep: saysKeep });
  }

  /** The heartbeat matters more: it does not wait long for a report, and is repeated without one. */
  async function nextReport(): Promise<BotReport | undefined> {
    const { reportRefused, failures, timing } = keeping;
    if (reportRefused || failures > 0) return undefined;
    const report = await takeReport(timing.reportWithinMs, over.signal);
    try {
      JSON.stringify(report);
      return report;
    } catch (error) {
      log.warn("The report can't be written as JSON; the heartbeat is sent without it:", error);
      return undefined;
    }
  }

  function take(event: KeepingEvent): void {
    const wasOver = keeping.phase === "over";
    const at = readClocks(runtime);
    const step = advance(keeping, event, { granted, options, at, random: runtime.random() });
    keeping = step.keeping;
    if (keeping.phase === "over" && !wasOver) {
      over.abort(new SessionEnded(keeping.end));
      wake();
    }
    if (step.status) notify(step.status);
    for (const loss of step.lost ?? []) symbolLost(loss);
    if (step.asked) releaseAsked(step.asked);
  }

  /**
   * Gives up some of several symbols. The service keeps what heartbeats no longer name, so this is
   * repeated until it is answered, as long as the session lasts.
   */
  async function releaseSome(symbols: readonly string[]): Promise<ReleaseOutcome> {
    take({ kind: "dropped", symbols });
    for (const symbol of symbols) unreleased.add(symbol);
    const attempt = async () => {
      const released = { sessionId, symbols };
      const outcome = await releaseSession(options, released, keeping.timing, runtime);
      // What is left to lapse is freed by the end of the session, which names it as well.
      const isGone = outcome === "released" || outcome === "not_held";
      if (isGone) for (const symbol of symbols) unreleased.delete(symbol);
      return outcome;
    };
    const outcome = await attempt();
    if (outcome === "unconfirmed") void repeat();
    return outcome;

    async function repeat(): Promise<void> {
      while (!over.signal.aborted) {
        const againMs = runtime.nowMs() + keeping.timing.heartbeatIntervalMs;
        await runtime.pause(againMs, over.signal, "lets exit");
        if (over.signal.aborted || (await attempt()) !== "unconfirmed") return;
      }
    }
  }

  async function release(): Promise<ReleaseOutcome> {
    const isGone =
      keeping.phase === "over" &&
      (keeping.end.reason === "taken" || keeping.end.code === "session_not_found");
    take({ kind: "ended", end: { reason: "released", code: "released" } });
    if (isGone) return "not_held";
    const released = { sessionId, symbols: [...keeping.symbols, ...unreleased] };
    return releaseSession(options, released, keeping.timing, runtime);
  }
}
