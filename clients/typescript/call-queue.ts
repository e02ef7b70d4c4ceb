import type { Logger } from "./logger.ts";

/** The most calls that are queued for a callback that does not return. */
const longestQueue = 100;

/**
 * Calls a callback of the program in order and one call at a time: if it returns a promise, the
 * next call waits for it. Each callback has a queue of its own, so that none holds up another.
 */
export function createCallQueue<Value>(
  name: string,
  callback: ((value: Value) => unknown) | undefined,
  log: Logger,
): (value: Value) => void {
  if (!callback) return () => {};
  const call = callback;
  const queue: { value: Value }[] = [];
  let calling = false;

  return (value) => {
    queue.push({ value });
    if (queue.length > longestQueue) {
      queue.shift();
      log.error(`${name} has not returned for a long time: its oldest call was dropped`);
    }
    callInTurn();
  };

  function callInTurn(): void {
    while (!calling) {
      const next = queue.shift();
      if (!next) return;
      calling = true;
      let returned: unknown;
      try {
        returned = call(next.value);
      } catch (error) {
        log.error(`${name} failed:`, error);
      }
      if (!isThenable(returned)) {
        calling = false;
        continue;
      }
      Promise.resolve(returned)
        .catch((error) => log.error(`${name} failed:`, error))
        .then(() => {
          calling = false;
          callInTurn();
        });
    }
  }
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}
