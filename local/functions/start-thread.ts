import { join } from "node:path";
import { Worker } from "node:worker_threads";
import type { FunctionSpec } from "../template/interpret-template.ts";
import type { LogLevel } from "./function-log.ts";
import type { FunctionMessage, InvocationMessage } from "./function-messages.ts";

/** `result` is a JSON value; `reason` is for the log. */
export type Outcome = { answered: true; result: unknown } | { answered: false; reason: string };

/** One thread of a function. */
export type FunctionThread = {
  /** Whether it takes further invocations. Once it doesn't, it never will again. */
  isUsable(): boolean;
  /** Settles when its code has been loaded, or won't be. */
  loaded: Promise<void>;
  invoke(event: unknown, requestId: string): Promise<Outcome>;
  end(): Promise<unknown>;
};

export type ThreadOptions = Pick<FunctionSpec, "id" | "timeoutSeconds" | "memoryMb"> & {
  /** All that the function gets. */
  environment: Record<string, string>;
  /** Takes the lines of its log. */
  log: (line: string, level: LogLevel) => void;
};

/** As long as Lambda gives a function to load. */
const loadWithinMs = 10_000;

/** Starts a thread that loads the function and then takes invocations, several at a time. */
export function startThread(options: ThreadOptions): FunctionThread {
  const { id, timeoutSeconds, memoryMb, environment, log } = options;
  const pending = new Map<string, (outcome: Outcome) => void>();
  const loaded = Promise.withResolvers<void>();
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
        finishLoading();
        return;
      case "load_failed":
        fail("it can't be loaded");
        return;
      case "answered":
        settle(message.requestId, { answered: true, result: JSON.parse(message.resultJson) });
        return;
      case "threw":
        settle(message.requestId, { answered: false, reason: "it threw an error" });
        return;
      case "logged":
        log(message.line, message.level);
        return;
    }
  });
  worker.on("exit", (code) => fail(`it exited with code ${code}`));
  worker.on("error", (error) => fail(`it broke down (${error})`));

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

  function settle(requestId: string, outcome: Outcome): void {
    pending.get(requestId)?.(outcome);
    pending.delete(requestId);
    if (!usable && pending.size === 0) void worker.terminate();
  }

  return {
    isUsable: () => usable,
    loaded: loaded.promise,
    end: () => worker.terminate(),
    invoke(event, requestId) {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      if (failure !== undefined) return Promise.resolve({ answered: false, reason: failure });
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
      const message: InvocationMessage = { requestId, event, deadlineMs: Date.now() + limitMs };
      worker.postMessage(message);
      return promise;
    },
  };
}
