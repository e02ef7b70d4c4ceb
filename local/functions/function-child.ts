import type { FunctionSpec } from "../template/interpret-template.ts";
import { type ForkOptions, forkFunction } from "./fork-function.ts";
import { functionMessageSchema, type InvocationMessage } from "./function-messages.ts";

/** `result` is a JSON value; `reason` is for the log. */
export type Outcome = { answered: true; result: unknown } | { answered: false; reason: string };

/** One process of a function. */
export type FunctionChild = {
  /** Whether it takes further invocations. Once it doesn't, it never will again. */
  isUsable(): boolean;
  /** Settles when its code has been loaded, or won't be. */
  loaded: Promise<void>;
  invoke(event: unknown, requestId: string): Promise<Outcome>;
  kill(): void;
  /** Settles when the process is no more. */
  ended: Promise<void>;
};

export type ChildOptions = ForkOptions & Pick<FunctionSpec, "timeoutSeconds">;

/** As long as Lambda gives a function to load. */
const loadWithinMs = 10_000;

/** Starts a process that loads the function and then takes invocations, several at a time. */
export function startChild({ timeoutSeconds, ...forkOptions }: ChildOptions): FunctionChild {
  const pending = new Map<string, (outcome: Outcome) => void>();
  const loaded = Promise.withResolvers<void>();
  const ended = Promise.withResolvers<void>();
  let usable = true;
  let failure: string | undefined;

  const child = forkFunction(forkOptions);
  const loadTimer = setTimeout(() => fail("it took too long to load"), loadWithinMs);

  child.on("message", (raw) => {
    // A function may send messages of its own.
    const { data: message } = functionMessageSchema.safeParse(raw);
    if (message === undefined) return;
    switch (message.kind) {
      case "loaded":
        finishLoading();
        return;
      case "load_failed":
        fail("it can't be loaded");
        return;
      case "answered":
        settle(message.requestId, { answered: true, result: message.result ?? null });
        return;
      case "threw":
        settle(message.requestId, { answered: false, reason: "it threw an error" });
        return;
    }
  });
  child.on("exit", (code, signal) => {
    fail(`its process ended (${signal ?? `exit code ${code}`})`);
    ended.resolve();
  });
  child.on("error", (error) => {
    fail(`its process can't be used (${error.message})`);
    // If it never started, it won't exit either.
    if (child.pid === undefined) ended.resolve();
  });

  function finishLoading(): void {
    clearTimeout(loadTimer);
    loaded.resolve();
  }

  function fail(reason: string): void {
    usable = false;
    failure ??= reason;
    finishLoading();
    for (const requestId of pending.keys()) settle(requestId, { answered: false, reason });
    kill();
  }

  function settle(requestId: string, outcome: Outcome): void {
    pending.get(requestId)?.(outcome);
    pending.delete(requestId);
    if (!usable && pending.size === 0) kill();
  }

  function kill(): void {
    child.kill("SIGKILL");
  }

  return {
    isUsable: () => usable,
    loaded: loaded.promise,
    ended: ended.promise,
    kill,
    invoke(event, requestId) {
      const { promise, resolve } = Promise.withResolvers<Outcome>();
      if (failure !== undefined) return Promise.resolve({ answered: false, reason: failure });
      const limitMs = timeoutSeconds * 1000;
      const timer = setTimeout(() => {
        // What else it has in hand may still be answered; then it is killed.
        usable = false;
        settle(requestId, { answered: false, reason: `no answer within ${timeoutSeconds} s` });
      }, limitMs);
      pending.set(requestId, (outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
      const message: InvocationMessage = { requestId, event, deadlineMs: Date.now() + limitMs };
      child.send(message, (error) => {
        if (error) settle(requestId, { answered: false, reason: error.message });
      });
      return promise;
    },
  };
}
