import type { Logger } from "./logger.ts";
import { onAbort } from "./on-abort.ts";
import type { BotReport } from "./requests.ts";
import type { Runtime } from "./runtime.ts";
import type { SessionOptions } from "./session.ts";

/** Gets the program's report for the next heartbeat; `undefined` if it fails or takes too long. */
type Reporter = (withinMs: number, signal: AbortSignal) => Promise<BotReport | undefined>;

export function createReporter(
  { report }: SessionOptions,
  runtime: Runtime,
  log: Logger,
): Reporter {
  let pending = false;

  return async (withinMs, signal) => {
    // One call at a time: while a report hangs, the next heartbeats go without one.
    if (!report || pending) return undefined;
    pending = true;
    const settled = new AbortController();
    const stopListening = onAbort(signal, () => settled.abort());
    const taken = call(report).finally(() => {
      pending = false;
      settled.abort();
    });
    const untilMs = runtime.nowMs() + withinMs;
    const late = runtime.pause(untilMs, settled.signal, "lets exit").finally(stopListening);
    await Promise.race([taken, late]);
    if (!pending) return taken;
    if (!signal.aborted)
      log.warn(`The report took longer than ${withinMs} ms; the heartbeat is sent without it`);
    return undefined;
  };

  async function call(take: () => BotReport | Promise<BotReport>): Promise<BotReport | undefined> {
    try {
      const taken: unknown = await take();
      return isReport(taken) ? taken : undefined;
    } catch (error) {
      log.warn("The report failed; the heartbeat is sent without it:", error);
      return undefined;
    }
  }
}

/** A program without types may return anything. */
function isReport(taken: unknown): taken is BotReport {
  return typeof taken === "object" && taken !== null;
}
