import {
  type FunctionThread,
  type Outcome,
  startThread,
  type ThreadOptions,
} from "./start-thread.ts";

/** A function that can be invoked, whatever it did to its last thread. */
export type FunctionHost = AsyncDisposable & {
  /** Settles when the first thread has loaded the function's code, or failed to. */
  loaded: Promise<void>;
  /** Never rejects for what the function does. */
  invoke(event: unknown, requestId: string): Promise<Outcome>;
};

/** Starts a thread for the function, and another one whenever that can't be used any longer. */
export function startFunction(options: ThreadOptions): FunctionHost {
  // One that is no longer usable ends by itself, at its last time limit.
  let current: FunctionThread = startThread(options);
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
