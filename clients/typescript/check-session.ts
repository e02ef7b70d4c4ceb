import { readClaimAnswer, type Trouble } from "./answers.ts";
import { ServiceUnavailable, SessionRefused } from "./errors.ts";
import { createNotifier } from "./notifier.ts";
import { checkText, claimPath } from "./requests.ts";
import { neverAborted, noAnswerInTime, type Runtime } from "./runtime.ts";
import type { License, SessionOptions } from "./session.ts";
import {
  attemptTimeoutMs,
  checkTimes,
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
  | {
      available: false;
      code: SessionRefused["code"];
      message: string;
      /** The first characters of the holder's fingerprint. */
      activeDevice: string | undefined;
      /** How long until the session lapses if its holder sends nothing more. */
      waitSeconds: number | undefined;
    };

/**
 * Asks whether a claim would succeed, without claiming anything.
 *
 * @throws LicenseRefused, RequestUnreadable, ServiceNotFound, ServiceUnavailable, TypeError and
 * RangeError like `openSession`, and the reason that `options.signal` is aborted with
 */
export async function checkSession(options: SessionOptions): Promise<SessionCheck> {
  checkTimes(options);
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
    const outcome = readClaimAnswer(await runtime.exchange(claimPath, text, untilMs, signal));
    signal.throwIfAborted();
    if (outcome.kind === "available") return { available: true, license: outcome.license };
    if (outcome.kind === "refused") {
      if (!(outcome.error instanceof SessionRefused)) throw outcome.error;
      const { code, message, activeDevice, waitSeconds } = outcome.error;
      return { available: false, code, message, activeDevice, waitSeconds };
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
    if (againMs >= giveUpMs) {
      // The last attempt may only have timed out. An earlier answer then says more about the cause.
      const last = answered ?? trouble;
      throw new ServiceUnavailable(last.problem, last);
    }
    await runtime.pause(againMs, signal, "keeps alive");
  }
}
