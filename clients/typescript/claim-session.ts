import { type ClaimAnswer, type Granted, readClaimAnswer, readHeartbeatAnswer } from "./answers.ts";
import { ServiceUnavailable, SessionRefused } from "./errors.ts";
import { rightLastsMs, startKeeping } from "./keeping-state.ts";
import type { Notifier } from "./notifier.ts";
import { releaseSession, releaseWithinMs } from "./release-session.ts";
import { claimPath, claimText, heartbeatPath, heartbeatText } from "./requests.ts";
import {
  type Exchange,
  type Instant,
  neverAborted,
  noAnswerInTime,
  type Runtime,
  readClocks,
} from "./runtime.ts";
import type { SessionOptions } from "./session.ts";
import { defaultRequestTimeoutMs, openingIntervalMs, retryAtMs, retryDelayMs } from "./timing.ts";

/** A granted claim, and the moment from which the right to the session counts. */
export type Claim = { granted: Granted; sent: Instant };

/** How a refused claim waits if the service names no time. */
const defaultWaitSeconds = 20;

/**
 * Claims until there is an answer that can be used. All attempts up to an answer are one claim, by
 * its id, so that one which arrives late replaces nothing.
 *
 * @param givingBack called with what a claim that was given up still has to do, which never rejects
 * @throws SessionRefused, LicenseRefused, RequestUnreadable, ServiceNotFound, ServiceUnavailable, or
 * what `options.signal` was aborted with
 */
export async function claimSession(
  options: SessionOptions,
  runtime: Runtime,
  { notify }: Notifier,
  givingBack: (given: Promise<unknown>) => void,
): Promise<Claim> {
  const { signal = neverAborted, openWithinMs = 30_000, waitWithinMs = 0 } = options;
  const requestTimeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
  let claimId = runtime.nextClaimId();
  const waitUntilMs = runtime.nowMs() + waitWithinMs;
  let giveUpMs = runtime.nowMs() + openWithinMs;
  let failures = 0;
  /** When the first attempt was sent that may have been granted, though no usable answer came. */
  let maybeGranted: Instant | undefined;
  /** Granted, but so late that only a heartbeat can say whether there is still a right. */
  let unconfirmed: Granted | undefined;
  let answered:
    | { problem: string; trouble: (ClaimAnswer & { kind: "trouble" }) | undefined }
    | undefined;

  for (;;) {
    signal.throwIfAborted();
    const sent = readClocks(runtime);
    const outcome = await attempt();
    switch (outcome.kind) {
      case "granted": {
        // A repeated claim writes nothing: the session counts from the attempt that was applied.
        const since = unconfirmed ? sent : (maybeGranted ?? sent);
        if (givesRight(outcome, since)) return { granted: outcome, sent: since };
        unconfirmed = outcome;
        await tryAgain(noAnswerInTime, 0);
        break;
      }
      case "refused":
        if (!(outcome.error instanceof SessionRefused) || runtime.nowMs() >= waitUntilMs)
          throw outcome.error;
        // A write of it may still be applied. What that grants is older than the next claim, which
        // by an id of its own replaces it.
        claimId = runtime.nextClaimId();
        maybeGranted = undefined;
        failures = 0;
        await wait(outcome.error);
        giveUpMs = runtime.nowMs() + openWithinMs;
        break;
      case "available":
        await tryAgain(outcome.kind, nextDelayMs());
        break;
      case "trouble":
        if (!outcome.unsent) maybeGranted ??= sent;
        await tryAgain(outcome.problem, nextDelayMs(), outcome);
        break;
    }
  }

  async function attempt(): Promise<ClaimAnswer> {
    if (!unconfirmed)
      return readClaimAnswer(await exchange(claimPath, claimText(options, claimId)));
    const text = heartbeatText(options, unconfirmed.sessionId);
    const outcome = readHeartbeatAnswer(await exchange(heartbeatPath, text));
    switch (outcome.kind) {
      case "recorded": {
        const { sessionTimeoutMs = unconfirmed.sessionTimeoutMs } = outcome;
        return { ...unconfirmed, sessionTimeoutMs };
      }
      case "ended":
        // The next claim says it in its own words.
        unconfirmed = undefined;
        return { kind: "trouble", problem: outcome.end.code };
      case "unreadable":
        return { ...outcome, kind: "trouble" };
      case "trouble":
        return outcome;
    }
  }

  function givesRight(granted: Granted, since: Instant): boolean {
    return rightLastsMs(startKeeping(granted, since, options, 0), readClocks(runtime)) > 0;
  }

  function nextDelayMs(): number {
    failures++;
    return retryDelayMs(failures, openingIntervalMs, runtime.random());
  }

  async function tryAgain(
    problem: string,
    delayMs: number,
    trouble: (ClaimAnswer & { kind: "trouble" }) | undefined = undefined,
  ): Promise<void> {
    const againMs = retryAtMs(runtime.nowMs(), delayMs, trouble?.retryAfterMs, {
      endsMs: giveUpMs,
      requestTimeoutMs,
    });
    if (problem !== noAnswerInTime) answered = { problem, trouble };
    if (againMs >= giveUpMs) {
      giveBackWhatWas();
      // The last attempt may only have been cut off: what an earlier answer said explains more.
      const last = answered ?? { problem, trouble };
      throw new ServiceUnavailable(last.problem, last.trouble);
    }
    notify({ state: "opening", problem });
    await pause(againMs);
  }

  async function wait({ code, activeDevice, waitSeconds }: SessionRefused): Promise<void> {
    const waitMs = Math.max(1, waitSeconds ?? defaultWaitSeconds) * 1_000;
    notify({
      state: "waiting",
      code,
      ...(activeDevice !== undefined && { activeDevice }),
      ...(waitSeconds !== undefined && { waitSeconds }),
    });
    await pause(Math.min(runtime.nowMs() + waitMs, waitUntilMs));
  }

  async function pause(untilMs: number): Promise<void> {
    await runtime.pause(untilMs, signal, "keeps alive");
    if (!signal.aborted) return;
    giveBackWhatWas();
    throw signal.reason;
  }

  /** A claim that is given up may still be granted: then nobody would use it. */
  async function exchange(path: string, text: string): Promise<Exchange> {
    const settled = new AbortController();
    const dropped = new AbortController();
    const untilMs = Math.min(runtime.nowMs() + requestTimeoutMs, giveUpMs);
    const pending = runtime.exchange(path, text, untilMs, dropped.signal);
    const aborted = new Promise<void>((resolve) => {
      signal.addEventListener("abort", () => resolve(), { signal: settled.signal });
    });
    const first = await Promise.race([pending, aborted]).finally(() => settled.abort());
    if (first && !signal.aborted) return first;
    givingBack(giveBack(pending, dropped));
    throw signal.reason;
  }

  async function giveBack(pending: Promise<Exchange>, dropped: AbortController): Promise<void> {
    const untilMs = giveBackUntilMs();
    const answered = new AbortController();
    // Released before the claim arrives, the session would be granted after all.
    const half = runtime.nowMs() + releaseWithinMs / 2;
    void runtime.pause(half, answered.signal, "keeps alive").then(() => dropped.abort());
    const outcome = readClaimAnswer(await pending);
    answered.abort();
    const isApplied = outcome.kind === "granted" || (outcome.kind === "trouble" && !outcome.unsent);
    if (isApplied || maybeGranted || unconfirmed) await release(untilMs);
  }

  function giveBackWhatWas(): void {
    if (maybeGranted || unconfirmed) givingBack(release(giveBackUntilMs()));
  }

  function giveBackUntilMs(): number {
    return runtime.nowMs() + releaseWithinMs;
  }

  async function release(untilMs: number): Promise<void> {
    const sessionId = unconfirmed?.sessionId ?? claimId;
    const timing = { requestTimeoutMs, heartbeatIntervalMs: openingIntervalMs };
    await releaseSession(options, sessionId, timing, runtime, untilMs);
  }
}
