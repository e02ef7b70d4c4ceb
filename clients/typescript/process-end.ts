/** The part of Node.js's `process` that is used here. Browser types lack it. */
type NodeProcess = {
  pid: number;
  on(event: "beforeExit", listener: () => void): unknown;
  prependListener(event: SignalName, listener: () => void): unknown;
  off(event: string, listener: () => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: string): unknown;
  exit(code: number): never;
  getBuiltinModule?: (name: "node:worker_threads") => { isMainThread: boolean } | undefined;
  /** Of the package signal-exit up to version 3. */
  __signal_exit_emitter__?: { count: number };
};

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type SignalName = keyof typeof signalNumbers;
const signalNames: readonly SignalName[] = ["SIGHUP", "SIGINT", "SIGTERM"];

/** What has to be done before the process ends. */
type Leaver = {
  /** Never rejects, and finishes within a few seconds. */
  leave(): Promise<unknown>;
  warn(message: string): void;
};

/**
 * The leavers of all copies of this package in the process: imported and required, or two versions.
 * The copy that comes first watches for all of them. Its shape must not change under this name.
 */
type Registry = { leavers: Set<Leaver>; unwatch?: (() => void) | undefined };

const registryKey = Symbol.for("license-session.process-end.1");

/** A signal within this time of the first may be a library's repetition of it. */
const sameSignalWithinMs = 1_000;

/**
 * Runs a clean-up when the program ends: because nothing is left to do, or by a signal. All
 * clean-ups run concurrently.
 *
 * A program or a library that listens to a signal does not keep the clean-up from running. But the
 * end of the process is left to it, and a warning says so. Listeners of signal-exit are no reason
 * for that: they wait for others to end the process.
 *
 * @returns a function that cancels the clean-up
 */
export function leaveAtProcessEnd(leaver: Leaver): () => void {
  const process = nodeProcess();
  if (!process) return () => {};
  const registry = registryOfProcess();
  registry.leavers.add(leaver);
  registry.unwatch ??= watch(process, registry);
  return () => {
    registry.leavers.delete(leaver);
    if (registry.leavers.size === 0) unwatch(registry);
  };
}

/** In a worker thread of Node.js, which hears neither of signals nor of its own end. */
export function isInWorkerThread(): boolean {
  return nodeProcess()?.getBuiltinModule?.("node:worker_threads")?.isMainThread === false;
}

function registryOfProcess(): Registry {
  const shared = globalThis as { [registryKey]?: Registry };
  shared[registryKey] ??= { leavers: new Set() };
  return shared[registryKey];
}

function watch(process: NodeProcess, registry: Registry): () => void {
  const leave = () => void leaveAll(registry);
  process.on("beforeExit", leave);
  let ending: { sinceMs: number; others: number } | undefined;
  const handlers = signalNames.map((name) => {
    const handler = () => {
      // Counted before others run, because those that listen once are gone afterwards.
      const others = othersInCharge(process, name);
      if (!ending) {
        const begun = { sinceMs: performance.now(), others };
        ending = begun;
        void leaveAndEnd(process, registry, name, () => begun.others).then(() => {
          ending = undefined;
        });
        return;
      }
      // Some libraries listen once and then send the signal again. Nobody else listens then.
      ending.others = others;
      if (performance.now() - ending.sinceMs < sameSignalWithinMs) return;
      // Somebody does not want to wait.
      unwatch(registry);
      if (others === 0) end(process, name);
    };
    process.prependListener(name, handler);
    return [name, handler] as const;
  });
  return () => {
    process.off("beforeExit", leave);
    for (const [name, handler] of handlers) process.off(name, handler);
  };
}

/** Removes every listener, so that the process behaves as without this client. */
function unwatch(registry: Registry): void {
  registry.unwatch?.();
  registry.unwatch = undefined;
}

async function leaveAll({ leavers }: Registry): Promise<void> {
  await Promise.all([...leavers].map(({ leave }) => leave()));
}

async function leaveAndEnd(
  process: NodeProcess,
  registry: Registry,
  name: SignalName,
  othersNow: () => number,
): Promise<void> {
  const [first] = registry.leavers;
  // What the program does at once comes first. signal-exit must see this listener until then.
  await new Promise((resolve) => setTimeout(resolve));
  await leaveAll(registry);
  const others = othersNow();
  if (others === 0) {
    unwatch(registry);
    end(process, name);
  } else {
    first?.warn(
      `${name}: the sessions were released. This program has ${others} more listener${others === 1 ? "" : "s"} to ${name}, to which the end of the process is left. Set releaseAtExit: false if the program releases its sessions itself`,
    );
  }
}

function end(process: NodeProcess, name: SignalName): void {
  process.kill(process.pid, name);
  // Process 1 of a container is not ended by a signal that it sends to itself.
  setTimeout(() => process.exit(128 + signalNumbers[name]), 200);
}

/** How many listeners there are besides this one that may be in charge of the process. */
function othersInCharge(process: NodeProcess, name: SignalName): number {
  const { [signalExitKey]: signalExit } = globalThis as { [signalExitKey]?: { count: number } };
  const waiting = (process.__signal_exit_emitter__?.count ?? 0) + (signalExit?.count ?? 0);
  return Math.max(0, process.listenerCount(name) - 1 - waiting);
}

/** Of the package signal-exit from version 4 on. */
const signalExitKey = Symbol.for("signal-exit emitter");

function nodeProcess(): NodeProcess | undefined {
  const { process } = globalThis as { process?: NodeProcess & { versions?: { node?: string } } };
  return process?.versions?.node === undefined ? undefined : process;
}
