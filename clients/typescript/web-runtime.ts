import { createClock } from "./clock.ts";
import { releasePath } from "./requests.ts";
import { type Exchange, noAnswerInTime, type PauseMode, type Runtime } from "./runtime.ts";

/** At most so long at once, so that waking from sleep is noticed soon. */
const sliceMs = 1_000;

/**
 * The runtime of Node.js 20 and later and of browsers.
 *
 * @throws TypeError if the URL is none, or not of the web
 */
export function createWebRuntime(url: string | URL): Runtime {
  const base = new URL(url);
  if (!/^https?:$/.test(base.protocol))
    throw new TypeError(`${base.protocol} is not http or https`);
  if (!base.pathname.endsWith("/")) base.pathname += "/";
  const nowMs = createClock();
  const wallMs = () => Date.now();

  /** @param early whether the pause may end when the clocks have parted */
  function wait(
    untilMs: number,
    signal: AbortSignal,
    mode: PauseMode,
    early: boolean,
  ): Promise<void> {
    const leadMs = wallMs() - nowMs();
    const haveParted = () => Math.abs(wallMs() - nowMs() - leadMs) > 100;
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const look = () => {
        const leftMs = untilMs - nowMs();
        if (leftMs <= 0 || signal.aborted || (early && haveParted())) return finish();
        timer = setTimeout(look, Math.min(leftMs, sliceMs));
        if (mode === "lets exit") letExit(timer);
      };
      signal.addEventListener("abort", finish);
      look();
    });
  }

  async function exchange(
    path: string,
    text: string,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<Exchange> {
    const over = new AbortController();
    const stop = () => over.abort();
    signal.addEventListener("abort", stop);
    if (signal.aborted) stop();
    try {
      return await Promise.race([
        post(new URL(path, base), text, path === releasePath, over.signal).catch(inWords),
        wait(untilMs, over.signal, "lets exit", false).then(() => ({ problem: noAnswerInTime })),
      ]);
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  return {
    nowMs,
    wallMs,
    random: Math.random,
    randomId,
    pause: (untilMs, signal, mode) => wait(untilMs, signal, mode, true),
    exchange,
  };
}

/** @param keepalive whether it is to outlive the page, as no claim or heartbeat should */
async function post(
  url: URL,
  text: string,
  keepalive: boolean,
  signal: AbortSignal,
): Promise<Exchange> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: text,
    // A redirect would turn the POST into a GET.
    redirect: "error",
    credentials: "omit",
    cache: "no-store",
    keepalive,
    signal,
  });
  const headers = Object.fromEntries(response.headers);
  return { status: response.status, text: await response.text(), headers };
}

/** Failures of Node.js to reach the service at all. */
const unsentCodes = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function inWords(error: unknown): Exchange {
  if (!(error instanceof Error)) return { problem: String(error), cause: error };
  // Node.js says "fetch failed" and leaves what happened to the cause.
  const cause = error.cause instanceof Error ? error.cause : error;
  const unsent = "code" in cause && unsentCodes.has(String(cause.code));
  // Of a name with several addresses each has failed in its own way, and the message is empty.
  const problem = cause.message || String("code" in cause ? cause.code : cause.name);
  return { problem, cause: error, ...(unsent && { unsent }) };
}

/** `crypto.randomUUID` is missing on pages that came without TLS. */
function randomId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Timers of Node.js are objects that can be told so, those of a browser are numbers. */
function letExit(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
