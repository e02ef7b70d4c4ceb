import { type HeartbeatOutcome, judgeHeartbeat } from "./answers.ts";
import type { Claim } from "./claim-session.ts";
import { type End, SessionEnded } from "./errors.ts";
import { releaseSession } from "./release-session.ts";
import { bareHeartbeatText, heartbeatPath, heartbeatText } from "./requests.ts";
import { noAnswerInTime, type Runtime } from "./runtime.ts";
import type { ReleaseOutcome, Session, SessionOptions } from "./session.ts";
import { tell } from "./status.ts";
import { heartbeatDelayMs, retryDelayMs, timingOf } from "./timing.ts";

/**
 * Keeps a claimed session until it is over.
 *
 * The right to it lasts from the sending of the last request that was confirmed: the service can't
 * have received it earlier, so it lets nobody in before `timing.rightMs` and the margin are over.
 */
export function keepSession(
  { granted, sentMs: claimSentMs }: Claim,
  options: SessionOptions,
  runtime: Runtime,
): Session {
  const { sessionId, fencingToken } = granted;
  const over = new AbortController();
  let end: End | undefined;
  let timing = timingOf(granted.sessionTimeoutMs, granted.heartbeatIntervalMs, options);
  let rightEndsMs = claimSentMs + timing.rightMs;
  /** Set while there is no right because the process overslept it: when to give up asking. */
  let askUntilMs: number | undefined;
  let nextBeatMs = claimSentMs + beatDelayMs();
  let failures = 0;
  let reportRefused = false;
  let releasing: Promise<ReleaseOutcome> | undefined;

  const session: Session = {
    sessionId,
    fencingToken,
    get held() {
      return rightLastsMs() > 0;
    },
    get rightLastsMs() {
      return rightLastsMs();
    },
    signal: over.signal,
    release() {
      releasing ??= release();
      return releasing;
    },
  };

  options.signal?.addEventListener("abort", () => void session.release(), {
    once: true,
    signal: over.signal,
  });
  if (options.signal?.aborted) void session.release();
  else tell(options, { state: "held", rightLastsMs: rightLastsMs() });
  keep().catch((error) => {
    console.error("Keeping the session failed:", error);
    finish({ reason: "lost", code: "keeper_failed" });
  });
  return session;

  async function keep(): Promise<void> {
    while (!end) {
      const wakeMs = Math.min(nextBeatMs, limitMs());
      await runtime.pause(wakeMs, over.signal, "lets exit");
      if (end || isOverAt(wakeMs)) continue;

      const sentMs = runtime.nowMs();
      const untilMs = Math.min(sentMs + timing.requestTimeoutMs, limitMs());
      const text = reportRefused
        ? bareHeartbeatText(options, sessionId)
        : heartbeatText(options, sessionId);
      const exchange = await runtime.exchange(heartbeatPath, text, untilMs, over.signal);
      if (!end) takeIn(judgeHeartbeat(exchange), sentMs, untilMs);
    }
  }

  function takeIn(outcome: HeartbeatOutcome, sentMs: number, untilMs: number): void {
    switch (outcome.kind) {
      case "recorded":
        timing = timingOf(
          outcome.sessionTimeoutMs ?? granted.sessionTimeoutMs,
          granted.heartbeatIntervalMs,
          options,
        );
        rightEndsMs = sentMs + timing.rightMs;
        nextBeatMs = sentMs + beatDelayMs();
        failures = 0;
        reportRefused = false;
        askUntilMs = undefined;
        // An answer that was slept through may say nothing any more.
        if (rightLastsMs() === 0) ask();
        else tell(options, { state: "held", rightLastsMs: rightLastsMs() });
        break;
      case "ended":
        finish(outcome.end);
        break;
      case "unreadable":
        // It can only be the report: the rest was good enough for the claim.
        reportRefused = true;
        tryAgain(outcome.problem, untilMs);
        break;
      case "trouble":
        tryAgain(outcome.problem, untilMs);
        break;
    }
  }

  function tryAgain(problem: string, untilMs: number): void {
    if (isOverAt(untilMs)) return;
    failures++;
    const delayMs = retryDelayMs(failures, timing.heartbeatIntervalMs, runtime.random());
    nextBeatMs = runtime.nowMs() + delayMs;
    if (askUntilMs !== undefined) tell(options, { state: "asking", problem });
    else tell(options, { state: "troubled", problem, rightLastsMs: rightLastsMs() });
  }

  /**
   * Whether the time is over for the right, or for asking. Then the session is lost; unless this
   * process overslept, which is no fault of the service: it asks whether the session is still there.
   *
   * @param plannedMs when this should have been called at the latest
   */
  function isOverAt(plannedMs: number): boolean {
    const nowMs = runtime.nowMs();
    if (nowMs < limitMs()) return false;
    if (nowMs - plannedMs > timing.oversleptAfterMs) ask();
    else finish({ reason: "lost", code: noAnswerInTime });
    return true;
  }

  function ask(): void {
    askUntilMs = runtime.nowMs() + timing.askWithinMs;
    nextBeatMs = runtime.nowMs();
    failures = 0;
    tell(options, { state: "asking" });
  }

  function finish(theEnd: End): void {
    if (end) return;
    end = theEnd;
    over.abort(new SessionEnded(theEnd));
    tell(options, { state: "ended", ...theEnd });
  }

  async function release(): Promise<ReleaseOutcome> {
    const isGone = end?.reason === "taken" || end?.code === "session_not_found";
    finish({ reason: "released", code: "released" });
    return isGone ? "not_held" : releaseSession(options, sessionId, timing, runtime);
  }

  function limitMs(): number {
    return askUntilMs ?? rightEndsMs;
  }

  function rightLastsMs(): number {
    return end ? 0 : Math.max(0, rightEndsMs - runtime.nowMs());
  }

  function beatDelayMs(): number {
    return heartbeatDelayMs(timing.heartbeatIntervalMs, runtime.random());
  }
}
