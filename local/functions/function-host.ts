import {
  type ChildOptions,
  type FunctionChild,
  type Outcome,
  startChild,
} from "./function-child.ts";

/** A function that can be invoked, whatever it did to its last process. */
export type FunctionHost = AsyncDisposable & {
  /** Settles when the first process has loaded the function's code, or failed to. */
  loaded: Promise<void>;
  /** Never rejects for what the function does. */
  invoke(event: unknown, requestId: string): Promise<Outcome>;
};

/** Starts a process for the function, and another one whenever that can't be used any longer. */
export function startFunction(options: ChildOptions): FunctionHost {
  const children = new Set<FunctionChild>();
  let current = start();

  function start(): FunctionChild {
    const child = startChild(options);
    children.add(child);
    child.ended.then(() => children.delete(child));
    return child;
  }

  return {
    loaded: current.loaded,
    async invoke(event, requestId) {
      if (!current.isUsable()) current = start();
      const child = current;
      // Time to load is not taken from the function's time limit, as on Lambda.
      await child.loaded;
      return child.invoke(event, requestId);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all(
        [...children].map((child) => {
          child.kill();
          return child.ended;
        }),
      );
    },
  };
}
