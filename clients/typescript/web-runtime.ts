import { createClaimNames } from "./claim-names.ts";
import { createClock } from "./clock.ts";
import type { Logger } from "./logger.ts";
import { onAbort } from "./on-abort.ts";
import { watchPagePolicy } from "./page-policy.ts";
import { type Exchange, noAnswerInTime, type PauseMode, type Runtime } from "./runtime.ts";
import { createTimers } from "./timers.ts";
import { baseUrl, type FetchFunction, post } from "./transport.ts";

/** Pauses are split into slices of this length, so that waking from sleep is noticed soon. */
const sliceMs = 1_000;

let shortcomingSaid = false;

const nextClaimName = createClaimNames(randomId);

/**
 * The runtime of Node.js 20 and later and of browsers.
 *
 * @throws TypeError if the URL is invalid, or neither http nor https
 */
export function createWebRuntime(
  { url, fetch: given }: { url: string | URL; fetch?: FetchFunction | undefined },
  log: Logger,
): Runtime {
  const base = baseUrl(url);
  // Looked up at each request, because programs may replace the global `fetch` to observe it.
  const fetchFunction: FetchFunction = given ?? ((href, init) => fetch(href, init));
  const { nowMs, shortcoming } = createClock();
  const wallMs = () => Date.now();
  if (shortcoming !== undefined && !shortcomingSaid) log.warn(shortcoming);
  shortcomingSaid ||= shortcoming !== undefined;
  const isForbidden = watchPagePolicy();
  const timers = createTimers(() =>
    log.warn(
      "This page's Content-Security-Policy allows no worker from a blob: while the page is hidden, heartbeats are late and the right is lost for seconds at a time. Add worker-src blob:",
    ),
  );

  return {
    nowMs,
    wallMs,
    random: Math.random,
    nextClaimName,
    randomId,
    pause: (untilMs, signal, mode) => wait(untilMs, signal, mode, true),
    exchange,
  };

  /** @param early whether to end when the two clocks part */
  function wait(
    untilMs: number,
    signal: AbortSignal,
    mode: PauseMode,
    early: boolean,
  ): Promise<void> {
    const leadMs = wallMs() - nowMs();
    const haveParted = () => Math.abs(wallMs() - nowMs() - leadMs) > 100;
    return new Promise((resolve) => {
      let timer: unknown;
      const finish = () => {
        if (timer !== undefined) timers.clear(timer);
        stopListening();
        resolve();
      };
      const set = (run: () => void, afterMs: number) => {
        timer = timers.set(run, afterMs);
        if (mode === "lets exit") letExit(timer);
      };
      const look = () => {
        const leftMs = untilMs - nowMs();
        if (leftMs <= 0 || (early && haveParted())) return finish();
        set(look, Math.min(leftMs, sliceMs));
      };
      const stopListening = onAbort(signal, finish);
      if (signal.aborted) finish();
      // The first look comes in a later turn, so that a loop of pauses never locks out the program.
      else set(look, Math.max(0, Math.min(untilMs - nowMs(), sliceMs)));
    });
  }

  async function exchange(
    path: string,
    text: string,
    untilMs: number,
    signal: AbortSignal,
    mode: PauseMode = "lets exit",
  ): Promise<Exchange> {
    const over = new AbortController();
    const stop = () => over.abort();
    const stopListening = onAbort(signal, stop);
    if (signal.aborted) stop();
    try {
      return await Promise.race([
        send(new URL(path, base), text, over.signal),
        wait(untilMs, over.signal, mode, false).then(() => ({ problem: noAnswerInTime })),
      ]);
    } finally {
      stopListening();
      stop();
    }
  }

  async function send(url: URL, text: string, signal: AbortSignal): Promise<Exchange> {
    const outcome = await post(url, text, fetchFunction, signal);
    if (!("problem" in outcome) || !(await isForbidden(url))) return outcome;
    const problem = `this page's Content-Security-Policy does not allow requests to ${url.origin}: add it to connect-src`;
    return { ...outcome, problem, lasting: true };
  }
}

/** `crypto.randomUUID` is missing on pages that were loaded without TLS. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Node.js timers are objects that can be unreferenced; browser timers are numbers. */
function letExit(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
