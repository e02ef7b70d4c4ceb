import { judgeRelease } from "./answers.ts";
import { releasePath, releaseText } from "./requests.ts";
import { neverAborted, type Runtime } from "./runtime.ts";
import type { ReleaseOutcome, SessionOptions } from "./session.ts";
import { retryDelayMs, type Timing } from "./timing.ts";

const releaseWithinMs = 5_000;

/** Tells the service that the session is no longer needed. Tries for 5 s, and never rejects. */
export async function releaseSession(
  options: SessionOptions,
  sessionId: string,
  timing: Timing,
  runtime: Runtime,
): Promise<ReleaseOutcome> {
  const text = releaseText(options, sessionId);
  const giveUpMs = runtime.nowMs() + releaseWithinMs;
  for (let failures = 1; ; failures++) {
    const untilMs = Math.min(runtime.nowMs() + timing.requestTimeoutMs, giveUpMs);
    const exchange = await runtime.exchange(releasePath, text, untilMs, neverAborted);
    const outcome = judgeRelease(exchange);
    if (outcome) return outcome;
    const delayMs = retryDelayMs(failures, timing.heartbeatIntervalMs, runtime.random());
    const againMs = runtime.nowMs() + delayMs;
    if (againMs >= giveUpMs) return "unconfirmed";
    await runtime.pause(againMs, neverAborted, "keeps alive");
  }
}
