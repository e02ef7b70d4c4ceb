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

  function pause(untilMs: number, signal: AbortSignal, mode: PauseMode): Promise<void> {
    return new Promise((resolve) => {
      let timer: ReturnType<typeof setTimeout> | undefined;
      const finish = () => {
        clearTimeout(timer);
        signal.removeEventListener("abort", finish);
        resolve();
      };
      const wait = () => {
        const leftMs = untilMs - nowMs();
        if (leftMs <= 0 || signal.aborted) return finish();
        timer = setTimeout(wait, Math.min(leftMs, sliceMs));
        if (mode === "lets exit") letExit(timer);
      };
      signal.addEventListener("abort", finish);
      wait();
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
        pause(untilMs, over.signal, "lets exit").then(() => ({ problem: noAnswerInTime })),
      ]);
    } finally {
      signal.removeEventListener("abort", stop);
      stop();
    }
  }

  return { nowMs, random: Math.random, pause, exchange };
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
  return { status: response.status, body: parsed(await response.text()) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function inWords(error: unknown): Exchange {
  if (!(error instanceof Error)) return { problem: String(error) };
  // Node.js says "fetch failed" and leaves what happened to the cause.
  return { problem: error.cause instanceof Error ? error.cause.message : error.message };
}

/** Timers of Node.js are objects that can be told so, those of a browser are numbers. */
function letExit(timer: unknown): void {
  (timer as { unref?: () => void }).unref?.();
}
