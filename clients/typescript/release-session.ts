import { readReleaseAnswer } from "./answers.ts";
import { type Released, releasePath, releaseText } from "./requests.ts";
import { neverAborted, type Runtime } from "./runtime.ts";
import type { ReleaseOutcome, SessionOptions } from "./session.ts";
import { retryDelayMs, type Timing } from "./timing.ts";

/** The time limit of a release, including retries. */
export const releaseWithinMs = 5_000;

/** Releases the session at the service. Retries until the given instant, and never rejects. */
export async function releaseSession(
  options: SessionOptions,
  released: Released,
  timing: Pick<Timing, "requestTimeoutMs" | "heartbeatIntervalMs">,
  runtime: Runtime,
  giveUpMs: number = runtime.nowMs() + releaseWithinMs,
): Promise<ReleaseOutcome> {
  const text = releaseText(options, released);
  for (let failures = 1; ; failures++) {
    const untilMs = Math.min(runtime.nowMs() + timing.requestTimeoutMs, giveUpMs);
    const exchange = await runtime.exchange(
      releasePath,
      text,
      untilMs,
      neverAborted,
      "keeps alive",
    );
    const outcome = readReleaseAnswer(exchange);
    if (outcome) return outcome;
    const delayMs = retryDelayMs(failures, timing.heartbeatIntervalMs, runtime.random());
    const againMs = runtime.nowMs() + delayMs;
    const isLasting = "problem" in exchange && exchange.lasting;
    if (isLasting || againMs >= giveUpMs) return "unconfirmed";
    await runtime.pause(againMs, neverAborted, "keeps alive");
  }
}
