import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { FunctionSpec } from "../template/interpret-template.ts";
import type { LogLevel } from "./function-log.ts";

/** `result` is a JSON value; `reason` is for the log. */
type InvocationOutcome = { answered: true; result: unknown } | { answered: false; reason: string };

/** A function that can be invoked, whatever it did to its last thread. */
export type FunctionHost = AsyncDisposable & {
  /** Settles when the first thread has loaded the function's code, or failed to. */
  loaded: Promise<void>;
  /** Never rejects for what the function does. */
  invoke(event: unknown, requestId: string): Promise<InvocationOutcome>;
};

type FunctionOptions = Pick<FunctionSpec, "id" | "timeoutSeconds" | "memoryMb"> & {
  /** All that the function gets. */
  environment: Record<string, string>;
  /** Takes the lines of its log. */
  log: (line: string, level: LogLevel) => void;
};

/** To the thread of a function; `deadlineMs` is the instant at which its time is up. */
export type InvocationMessage = { requestId: string; event: unknown; deadlineMs: number };

/** From the thread of a function. */
export type FunctionMessage =
  | { kind: "loaded" | "load_failed" }
  | { kind: "settled"; requestId: string; outcome: InvocationOutcome }
  | { kind: "logged"; level: LogLevel; line: string };

/** As long as Lambda gives a function to load. */
const loadWithinMs = 10_000;

/** Starts a thread for the function, and another one whenever that can't be used any longer. */
export function startFunction(options: FunctionOptions): FunctionHost {
  // A thread that is no longer usable ends on its own, at its last time limit.
  let current = startThread(options);
  return {
    loaded: current.loaded,
    async invoke(event, requestId) {
      if (!current.isUsable()) current = startThread(options);
      const thread = current;
      // Time to load is not taken from the function's time limit, as on Lambda.
      await thread.loaded;
      return thread.invoke(event, requestId);
    },
    async [Symbol.asyncDispose]() {
      await current.end();
    },
  };
}

/** Starts a thread that loads the function and then takes invocations, several at a time. */
function startThread({ id, timeoutSeconds, memoryMb, environment, log }: FunctionOptions) {
  const pending = new Map<string, (outcome: InvocationOutcome) => void>();
  const loaded = Promise.withResolvers<void>();
  // Once it takes no further invocations, it never will again.
  let usable = true;
  let failure: string | undefined;

  const worker = new Worker(join(import.meta.dirname, "function-program.ts"), {
    name: id,
    env: environment,
    resourceLimits: { maxOldGenerationSizeMb: memoryMb },
  });
  const loadTimer = setTimeout(() => fail("it took too long to load"), loadWithinMs);

  worker.on("message", (message: FunctionMessage) => {
    switch (message.kind) {
      case "loaded":
        return finishLoading();
      case "load_failed":
        return fail("it can't be loaded");
      case "settled":
        return settle(message.requestId, message.outcome);
      case "logged":
        return log(message.line, message.level);
    }
  });
  worker.on("exit", (code) => fail(`it exited with code ${code}`));
  worker.on("error", (error) => fail(`it crashed (${error})`));

  function finishLoading(): void {
    clearTimeout(loadTimer);
    loaded.resolve();
  }

  function fail(reason: string): void {
    usable = false;
    failure ??= reason;
    finishLoading();
    for (const requestId of pending.keys()) settle(requestId, { answered: false, reason });
    void worker.terminate();
  }

  function settle(requestId: string, outcome: InvocationOutcome): void {
    pending.get(requestId)?.(outcome);
    pending.delete(requestId);
    if (!usable && pending.size === 0) void worker.terminate();
  }

  async function invoke(event: unknown, requestId: string): Promise<InvocationOutcome> {
    if (failure !== undefined) return { answered: false, reason: failure };
    const { promise, resolve } = Promise.withResolvers<InvocationOutcome>();
    const limitMs = timeoutSeconds * 1000;
    const timer = setTimeout(() => {
      // What else it has in hand may still be answered; then it is ended.
      usable = false;
      settle(requestId, { answered: false, reason: `no answer within ${timeoutSeconds} s` });
    }, limitMs);
    pending.set(requestId, (outcome) => {
      clearTimeout(timer);
      resolve(outcome);
    });
    worker.postMessage({
      requestId,
      event,
      deadlineMs: Date.now() + limitMs,
    } satisfies InvocationMessage);
    return promise;
  }

  return { isUsable: () => usable, loaded: loaded.promise, invoke, end: () => worker.terminate() };
}
