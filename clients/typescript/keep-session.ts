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
import { releaseSession } from "./release-session.ts";
import { createReporter } from "./reporter.ts";
import { heartbeatPath, heartbeatText } from "./requests.ts";
import { type Exchange, type Runtime, readClocks } from "./runtime.ts";
import type { ReleaseOutcome, Session, SessionOptions } from "./session.ts";

/** Older browsers lack it. Compiled `await using` then looks for this symbol. */
const asyncDispose: typeof Symbol.asyncDispose =
  Symbol.asyncDispose ?? (Symbol.for("Symbol.asyncDispose") as typeof Symbol.asyncDispose);

/** Keeps a claimed session until it is over. `keeping-state.ts` makes the decisions. */
export function keepSession(
  { granted, sent }: Claim,
  options: SessionOptions,
  runtime: Runtime,
  { notify, log }: Notifier,
): Session {
  const { sessionId, fencingToken } = granted;
  const over = new AbortController();
  const takeReport = createReporter(options, runtime, log);
  let keeping = startKeeping(granted, sent, options, runtime.random());
  let releasing: Promise<ReleaseOutcome> | undefined;

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
    signal: over.signal,
    release() {
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

  options.signal?.addEventListener("abort", () => void session.release(), {
    once: true,
    signal: over.signal,
  });
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
      await runtime.pause(plannedMs, over.signal, "lets exit");
      take({ kind: "woke", plannedMs });
      if (!over.signal.aborted && runtime.nowMs() >= keeping.nextBeatMs) await beat();
    }
  }

  async function beat(): Promise<void> {
    const text = await nextText();
    if (over.signal.aborted) return;
    const sent = readClocks(runtime);
    const plannedMs = requestUntilMs(keeping, sent.nowMs);
    const exchange = await runtime.exchange(heartbeatPath, text, plannedMs, over.signal);
    takeAnswer(exchange);

    function takeAnswer(exchange: Exchange): void {
      const outcome = readHeartbeatAnswer(exchange);
      if (outcome.kind === "unreadable")
        log.warn(
          `The service can't read the report (${outcome.problem}); heartbeats are now sent without one`,
        );
      take({ kind: "answered", outcome, sent, plannedMs });
    }
  }

  /**
   * If the report fails or is not valid JSON, the heartbeat is sent without it: it matters more.
   */
  async function nextText(): Promise<string> {
    const { reportRefused, timing } = keeping;
    if (reportRefused) return heartbeatText(options, sessionId);
    const report = await takeReport(timing.reportWithinMs, over.signal);
    try {
      return heartbeatText(options, sessionId, report);
    } catch (error) {
      log.warn("The report can't be written as JSON; the heartbeat is sent without it:", error);
      return heartbeatText(options, sessionId);
    }
  }

  function take(event: KeepingEvent): void {
    const wasOver = keeping.phase === "over";
    const at = readClocks(runtime);
    const step = advance(keeping, event, { granted, options, at, random: runtime.random() });
    keeping = step.keeping;
    if (keeping.phase === "over" && !wasOver) over.abort(new SessionEnded(keeping.end));
    if (step.status) notify(step.status);
  }

  async function release(): Promise<ReleaseOutcome> {
    const isGone =
      keeping.phase === "over" &&
      (keeping.end.reason === "taken" || keeping.end.code === "session_not_found");
    take({ kind: "ended", end: { reason: "released", code: "released" } });
    return isGone ? "not_held" : releaseSession(options, { sessionId }, keeping.timing, runtime);
  }
}
