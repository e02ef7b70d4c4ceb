import crypto from "node:crypto";
import { syncBuiltinESMExports } from "node:module";
import type { Scheduler } from "./scheduler.ts";

/** As the functions of `node:crypto`. */
type Chance = { randomBytes(size: number): Buffer; randomInt(max: number): number };

/**
 * Replaces the timers by virtual time, chance by the world's, and the console by a collector, until
 * the work is done, so that nothing in the world waits for a real clock or happens only once.
 *
 * @param clockOf what `Date.now()` reads at this moment, epoch milliseconds
 * @param chance what ids are made of
 * @param onLog given each line of the log of a function, and each complaint of the client
 */
export async function withVirtualGlobals<Result>(
  scheduler: Scheduler,
  clockOf: () => number,
  chance: Chance,
  onLog: (words: unknown[]) => void,
  work: () => Promise<Result>,
): Promise<Result> {
  const { setTimeout, clearTimeout, setInterval, setImmediate } = globalThis;
  const { now } = Date;
  const { randomUUID, randomBytes, randomInt } = crypto;
  const { stackTraceLimit } = Error;
  // Errors are part of the weather; nobody reads where they came from.
  Error.stackTraceLimit = 0;
  const { info, error, warn, debug } = console;
  const replaced = {
    setTimeout: (run: (...words: unknown[]) => void, delayMs = 0, ...words: unknown[]) => {
      const cancel = scheduler.after(Math.max(1, delayMs), scheduler.current(), () =>
        run(...words),
      );
      return { cancel, ref() {}, unref() {}, hasRef: () => true };
    },
    clearTimeout: (timer: { cancel?: () => void } | undefined) => timer?.cancel?.(),
    setInterval: refused("setInterval"),
    setImmediate: refused("setImmediate"),
  };
  Object.assign(globalThis, replaced);
  Date.now = clockOf;
  const uuid = () => {
    const hex = chance.randomBytes(16).toString("hex");
    return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20)}`;
  };
  Object.assign(crypto, { randomUUID: uuid, ...chance });
  syncBuiltinESMExports();
  for (const level of ["info", "error", "warn", "debug"] as const) {
    console[level] = (...words: unknown[]) => onLog(words);
  }
  try {
    return await work();
  } finally {
    Object.assign(globalThis, { setTimeout, clearTimeout, setInterval, setImmediate });
    Date.now = now;
    Object.assign(crypto, { randomUUID, randomBytes, randomInt });
    syncBuiltinESMExports();
    Error.stackTraceLimit = stackTraceLimit;
    Object.assign(console, { info, error, warn, debug });
  }
}

function refused(name: string) {
  return () => {
    throw new Error(`${name} has no virtual twin: the world is not for it`);
  };
}
