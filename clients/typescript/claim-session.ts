import { readClaimAnswer } from "./answers.ts";
import {
  advanceClaim,
  attemptUntilMs,
  type Claim,
  type ClaimingEvent,
  startClaiming,
} from "./claiming-state.ts";
import type { Notifier } from "./notifier.ts";
import { onAbort } from "./on-abort.ts";
import { releaseSession, releaseWithinMs } from "./release-session.ts";
import { claimPath, claimText } from "./requests.ts";
import { type Exchange, neverAborted, type Runtime, readClocks } from "./runtime.ts";
import type { SessionOptions } from "./session.ts";
import { defaultRequestTimeoutMs, openingIntervalMs } from "./timing.ts";

/**
 * Retries the claim until it is granted or fails. `claiming-state.ts` makes the decisions.
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
  const { signal = neverAborted } = options;
  signal.throwIfAborted();
  let claiming = startClaiming(runtime.nextClaimName(), options, runtime.nowMs());

  for (;;) {
    switch (claiming.phase) {
      case "claiming":
        await attempt();
        break;
      case "resting":
        await runtime.pause(claiming.untilMs, signal, "keeps alive");
        take(signal.aborted ? { kind: "aborted", reason: signal.reason } : { kind: "rested" });
        if (signal.aborted && claiming.mayBeGranted) givingBack(release(giveBackUntilMs()));
        break;
      case "granted":
        return claiming;
      case "failed":
        throw claiming.error;
    }
  }

  function take(event: ClaimingEvent): void {
    const at = readClocks(runtime);
    const step = advanceClaim(claiming, event, { options, at, random: runtime.random() });
    claiming = step.claiming;
    if (step.status) notify(step.status);
  }

  /** If the opening is aborted, this attempt may still be granted. `giveBack` then releases it. */
  async function attempt(): Promise<void> {
    const dropped = new AbortController();
    const sent = readClocks(runtime);
    const untilMs = attemptUntilMs(claiming, options, sent.nowMs);
    const text = claimText(options, claiming.name, claiming.asksHolder);
    const pending = runtime.exchange(claimPath, text, untilMs, dropped.signal, "keeps alive");
    let settle = (): void => {};
    const aborted = new Promise<void>((resolve) => {
      settle = onAbort(signal, resolve);
    });
    const first = await Promise.race([pending, aborted]).finally(settle);
    if (!first || signal.aborted) {
      take({ kind: "aborted", reason: signal.reason });
      givingBack(giveBack(pending, dropped));
      return;
    }
    take({ kind: "answered", outcome: readClaimAnswer(first), sent });
    if (claiming.phase === "failed" && claiming.mayBeGranted)
      givingBack(release(giveBackUntilMs()));
  }

  async function giveBack(pending: Promise<Exchange>, dropped: AbortController): Promise<void> {
    const untilMs = giveBackUntilMs();
    const answered = new AbortController();
    // Waits for the claim's answer first: a release that overtook the claim would free nothing.
    const half = runtime.nowMs() + releaseWithinMs / 2;
    void runtime.pause(half, answered.signal, "keeps alive").then(() => dropped.abort());
    const { kind } = readClaimAnswer(await pending);
    answered.abort();
    if (kind === "granted" || kind === "trouble" || claiming.mayBeGranted) await release(untilMs);
  }

  function giveBackUntilMs(): number {
    return runtime.nowMs() + releaseWithinMs;
  }

  async function release(untilMs: number): Promise<void> {
    const { requestTimeoutMs = defaultRequestTimeoutMs } = options;
    const timing = { requestTimeoutMs, heartbeatIntervalMs: openingIntervalMs };
    await releaseSession(options, claiming.name, timing, runtime, untilMs);
  }
}
