import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { FunctionSpec } from "../template/interpret-template.ts";
import type { LogLevel } from "./function-log.ts";

/** `result` is a JSON value; `reason` is for the log. */
type InvocationOutcome = { answered: true; result: unknown } | { answered: false; reason: string };

/** A function that can always be invoked, even if it broke its last thread. */
export type FunctionHost = AsyncDisposable & {
  /** Settles when the first thread has loaded the function's code, or failed to. */
  loaded: Promise<void>;
  /** Never rejects because of what the function does. */
  invoke(event: unknown, requestId: string): Promise<InvocationOutcome>;
};

type FunctionOptions = Pick<FunctionSpec, "id" | "timeoutSeconds" | "memoryMb"> & {
  /** The complete environment of the function. */
  environment: Record<string, string>;
  /** Receives the lines that the function logs. */
  log: (line: string, level: LogLevel) => void;
};

/** Sent to the thread of a function; `deadlineMs` is when the invocation times out. */
export type InvocationMessage = { requestId: string; event: unknown; deadlineMs: number };

/** Sent by the thread of a function. */
export type FunctionMessage =
  | { kind: "loaded" | "load_failed" }
  | { kind: "settled"; requestId: string; outcome: InvocationOutcome }
  | { kind: "logged"; level: LogLevel; line: string };

/** Lambda's time limit for loading a function. */
const loadWithinMs = 10_000;

/** Starts a thread for the function, and replaces it whenever it becomes unusable. */
export function startFunction(options: FunctionOptions): FunctionHost {
  // An unusable thread ends on its own when its last invocation times out.
  let current = startThread(options);
  return {
    loaded: current.loaded,
    async invoke(event, requestId) {
      if (!current.isUsable()) current = startThread(options);
      const thread = current;
      // As on Lambda, loading does not count towards the function's time limit.
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
  // Never becomes true again: an unusable thread takes no further invocations.
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
      // Its other invocations may still be answered. Then the thread is terminated.
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
