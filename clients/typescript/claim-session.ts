import { type Granted, judgeClaim } from "./answers.ts";
import { ServiceUnavailable } from "./errors.ts";
import { claimPath, claimText, releasePath, releaseText } from "./requests.ts";
import { type Exchange, neverAborted, noAnswerInTime, type Runtime } from "./runtime.ts";
import type { SessionOptions } from "./session.ts";
import { tell } from "./status.ts";
import { defaultRequestTimeoutMs, openingIntervalMs, retryDelayMs, timingOf } from "./timing.ts";

/** A granted claim, and when its request was sent. */
export type Claim = { granted: Granted; sentMs: number };

/**
 * Claims until there is an answer that can be used. A claim may be repeated: the service lets a
 * device replace its own session.
 *
 * @throws SessionRefused, LicenseRefused, RequestUnreadable, ServiceUnavailable, or what
 * `options.signal` was aborted with
 */
export async function claimSession(options: SessionOptions, runtime: Runtime): Promise<Claim> {
  const { signal = neverAborted, openWithinMs = 30_000 } = options;
  const text = claimText(options);
  const giveUpMs = runtime.nowMs() + openWithinMs;
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    const sentMs = runtime.nowMs();
    const timeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
    const untilMs = Math.min(sentMs + timeoutMs, giveUpMs);
    const exchange = runtime.exchange(claimPath, text, untilMs, neverAborted);
    const outcome = judgeClaim(await unlessAborted(exchange));
    if (outcome.kind === "refused") throw outcome.error;
    if (outcome.kind === "granted" && isInTime(outcome, sentMs)) {
      return { granted: outcome, sentMs };
    }
    // A grant that took longer than the right it gives is no more than a reason to ask again.
    const problem = outcome.kind === "granted" ? noAnswerInTime : outcome.problem;
    const againMs = runtime.nowMs() + retryDelayMs(failures, openingIntervalMs, runtime.random());
    if (againMs >= giveUpMs) throw new ServiceUnavailable(problem);
    tell(options, { state: "opening", problem });
    await runtime.pause(againMs, signal, "keeps alive");
  }

  function isInTime(granted: Granted, sentMs: number): boolean {
    const { rightMs } = timingOf(granted.sessionTimeoutMs, granted.heartbeatIntervalMs, options);
    return runtime.nowMs() < sentMs + rightMs;
  }

  /** A claim that is given up may still be granted: then nobody would use it. */
  async function unlessAborted(exchange: Promise<Exchange>): Promise<Exchange> {
    const settled = new AbortController();
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { signal: settled.signal });
    });
    const first = await Promise.race([exchange, aborted]);
    settled.abort();
    if (first && !signal.aborted) return first;
    void exchange.then((late) => {
      const outcome = judgeClaim(late);
      if (outcome.kind !== "granted") return;
      const untilMs = runtime.nowMs() + defaultRequestTimeoutMs;
      const release = releaseText(options, outcome.sessionId);
      return runtime.exchange(releasePath, release, untilMs, neverAborted);
    });
    throw signal.reason;
  }
}
