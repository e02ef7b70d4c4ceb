import { readClaimAnswer, type Trouble } from "./answers.ts";
import { advanceClaim, attemptUntilMs, startClaiming } from "./claiming-state.ts";
import { type RefusalFacts, SessionRefused } from "./errors.ts";
import { createNotifier } from "./notifier.ts";
import { checkOptions } from "./options.ts";
import { checkText, claimPath } from "./requests.ts";
import { neverAborted, type Runtime, readClocks } from "./runtime.ts";
import type { License, SessionOptions } from "./session.ts";
import { trustingRuntime } from "./trusting-runtime.ts";
import { createWebRuntime } from "./web-runtime.ts";

/** Whether a claim would succeed now. */
export type SessionCheck =
  | { available: true; license: License }
  | (RefusalFacts & { available: false; code: SessionRefused["code"]; message: string });

/**
 * Asks whether a claim would succeed, without claiming anything.
 *
 * @throws LicenseRefused, RequestUnreadable, ServiceNotFound, ServiceUnavailable, TypeError and
 * RangeError like `openSession`, and the reason that `options.signal` is aborted with
 */
export async function checkSession(options: SessionOptions): Promise<SessionCheck> {
  checkOptions(options);
  const webRuntime = createWebRuntime(options, createNotifier(options).log);
  return askUntilAnswered(options, await trustingRuntime(options, webRuntime));
}

/** `checkSession` on a given runtime. */
export async function askUntilAnswered(
  options: SessionOptions,
  runtime: Runtime,
): Promise<SessionCheck> {
  const { signal = neverAborted } = options;
  let claiming = startClaiming(runtime.nextClaimName(), options, runtime.nowMs());
  const text = checkText(options, claiming.name);
  for (;;) {
    signal.throwIfAborted();
    const sent = readClocks(runtime);
    const untilMs = attemptUntilMs(claiming, options, sent.nowMs);
    const outcome = readClaimAnswer(
      await runtime.exchange(claimPath, text, untilMs, signal, "keeps alive"),
    );
    signal.throwIfAborted();
    if (outcome.kind === "available") return { available: true, license: outcome.license };
    if (outcome.kind === "refused") {
      if (!(outcome.error instanceof SessionRefused)) throw outcome.error;
      return { available: false, ...factsOf(outcome.error) };
    }
    // Nothing is granted to a check: an answer that says so is none of the service's.
    const trouble: Trouble =
      outcome.kind === "trouble" ? outcome : { kind: "trouble", problem: outcome.kind };
    claiming = advanceClaim(
      claiming,
      { kind: "answered", outcome: trouble, sent },
      { options, at: readClocks(runtime), random: runtime.random() },
    ).claiming;
    if (claiming.phase === "failed") throw claiming.error;
    if (claiming.phase === "resting") await runtime.pause(claiming.untilMs, signal, "keeps alive");
  }
}

/** What the error of an opening would say; its facts have the same names. */
function factsOf(error: SessionRefused) {
  const { code, message, activeDevice, waitSeconds, heldByThisDevice, holder, blocked } = error;
  return { code, message, activeDevice, waitSeconds, heldByThisDevice, holder, blocked };
}
