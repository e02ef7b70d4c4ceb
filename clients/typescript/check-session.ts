import { readClaimAnswer, type Trouble } from "./answers.ts";
import { type RefusalFacts, ServiceUnavailable, SessionRefused } from "./errors.ts";
import { createNotifier } from "./notifier.ts";
import { checkOptions } from "./options.ts";
import { checkText, claimPath } from "./requests.ts";
import { neverAborted, noAnswerInTime, type Runtime } from "./runtime.ts";
import type { License, SessionOptions } from "./session.ts";
import {
  attemptTimeoutMs,
  defaultRequestTimeoutMs,
  openingIntervalMs,
  retryAtMs,
  retryDelayMs,
} from "./timing.ts";
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
  const { signal = neverAborted, openWithinMs = 30_000 } = options;
  const requestTimeoutMs = options.requestTimeoutMs ?? defaultRequestTimeoutMs;
  const giveUpMs = runtime.nowMs() + openWithinMs;
  const text = checkText(options, runtime.nextClaimName());
  let unanswered = 0;
  let answered: Trouble | undefined;
  for (let failures = 1; ; failures++) {
    signal.throwIfAborted();
    const withinMs = attemptTimeoutMs(requestTimeoutMs, unanswered);
    const untilMs = Math.min(runtime.nowMs() + withinMs, giveUpMs);
    const outcome = readClaimAnswer(
      await runtime.exchange(claimPath, text, untilMs, signal, "keeps alive"),
    );
    signal.throwIfAborted();
    if (outcome.kind === "available") return { available: true, license: outcome.license };
    if (outcome.kind === "refused") {
      if (!(outcome.error instanceof SessionRefused)) throw outcome.error;
      return { available: false, ...factsOf(outcome.error) };
    }
    const trouble: Trouble =
      outcome.kind === "trouble" ? outcome : { kind: "trouble", problem: outcome.kind };
    const delayMs = retryDelayMs(failures, openingIntervalMs, runtime.random());
    const againMs = retryAtMs(runtime.nowMs(), delayMs, trouble.retryAfterMs, {
      endsMs: giveUpMs,
      requestTimeoutMs,
    });
    if (trouble.problem === noAnswerInTime) unanswered++;
    else [answered, unanswered] = [trouble, 0];
    if (trouble.lasting) throw new ServiceUnavailable(trouble.problem, trouble);
    if (againMs >= giveUpMs) {
      // The last attempt may only have timed out. An earlier answer then says more about the cause.
      const last = answered ?? trouble;
      throw new ServiceUnavailable(last.problem, last);
    }
    await runtime.pause(againMs, signal, "keeps alive");
  }
}

/** What the error of an opening would say; its facts have the same names. */
function factsOf(error: SessionRefused) {
  const { code, message, activeDevice, waitSeconds, heldByThisDevice, holder, blocked } = error;
  return { code, message, activeDevice, waitSeconds, heldByThisDevice, holder, blocked };
}
