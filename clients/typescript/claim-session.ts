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

/** A granted claim, and when its right to the session starts. */
export type Claim = { granted: Granted; sent: Instant };

/** How long a refused claim waits if the service names no time. */
const defaultWaitSeconds = 20;

/**
 * Retries the claim until there is a usable answer. All attempts until then share one claim id, so
 * that an attempt that arrives late replaces nothing.
 *
 * @param givingBack called with the clean-up that an abandoned claim still has to finish; never
 *   rejects
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
  /** When the first attempt was sent that may have been granted without a usable answer. */
  let maybeGranted: Instant | undefined;
  /** Granted, but so late that only a heartbeat can tell whether the session is still held. */
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
        // A repeated attempt writes nothing, so the right starts at the first one that may have
        // been applied.
        const since = unconfirmed ? sent : (maybeGranted ?? sent);
        if (givesRight(outcome, since)) return { granted: outcome, sent: since };
        unconfirmed = outcome;
        await tryAgain(noAnswerInTime, 0);
        break;
      }
      case "refused":
        if (!(outcome.error instanceof SessionRefused) || runtime.nowMs() >= waitUntilMs)
          throw outcome.error;
        // A late attempt at this claim may still be granted. The next claim gets a new id, so that
        // it replaces such a session.
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
        // The next claim will get the reason as its own answer.
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
      // The last attempt may only have timed out. An earlier answer then says more about the cause.
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

  /** If the opening is aborted, the claim may still be granted. `giveBack` then releases it. */
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
    // Waits for the claim's answer first: a release that overtook the claim would free nothing.
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
