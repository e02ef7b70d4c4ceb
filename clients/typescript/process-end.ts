/** The part of Node.js's `process` that is used here. Browser types lack it. */
type NodeProcess = {
  pid: number;
  on(event: string, listener: (...args: unknown[]) => void): unknown;
  off(event: string, listener: (...args: unknown[]) => void): unknown;
  listenerCount(event: string): number;
  kill(pid: number, signal: string): unknown;
  exit(code: number): never;
};

const signalNumbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;
type SignalName = keyof typeof signalNumbers;
const signalNames: readonly SignalName[] = ["SIGHUP", "SIGINT", "SIGTERM"];

const leavers = new Set<() => Promise<unknown>>();
const handlers = new Map<SignalName, () => void>();
let watching: NodeProcess | undefined;

/**
 * Runs a clean-up when the program ends: because nothing is left to do, or by a signal that the
 * program does not listen to. All clean-ups run concurrently.
 *
 * If the program listens to a signal itself, this does nothing for that signal.
 *
 * @param leave the clean-up; never rejects, and finishes within a few seconds
 * @returns a function that cancels the clean-up
 */
export function leaveAtProcessEnd(leave: () => Promise<unknown>): () => void {
  const process = nodeProcess();
  if (!process) return () => {};
  leavers.add(leave);
  watch(process);
  return () => {
    leavers.delete(leave);
    if (leavers.size === 0) unwatch();
  };
}

function watch(process: NodeProcess): void {
  if (!watching) {
    watching = process;
    process.on("beforeExit", leaveAll);
    process.on("newListener", yieldTo);
  }
  for (const name of signalNames) {
    if (handlers.has(name) || process.listenerCount(name) > 0) continue;
    const handler = () => void leaveAndEnd(process, name);
    process.on(name, handler);
    handlers.set(name, handler);
  }
}

/** Removes every listener, so that the process behaves as without this client. */
function unwatch(): void {
  const process = watching;
  watching = undefined;
  process?.off("newListener", yieldTo);
  process?.off("beforeExit", leaveAll);
  for (const [name, handler] of handlers) process?.off(name, handler);
  handlers.clear();
}

function yieldTo(event: unknown, listener: unknown): void {
  const name = signalNames.find((known) => known === event);
  const handler = name && handlers.get(name);
  if (!name || !handler || handler === listener) return;
  handlers.delete(name);
  // Removed only after the other is added: without a listener, the signal would end the process.
  const process = watching;
  queueMicrotask(() => process?.off(name, handler));
}

async function leaveAll(): Promise<void> {
  await Promise.all([...leavers].map((leave) => leave()));
}

/** Cleans up, then ends the program by the caught signal. A second signal ends it at once. */
async function leaveAndEnd(process: NodeProcess, name: SignalName): Promise<void> {
  const left = leaveAll();
  unwatch();
  await left;
  process.kill(process.pid, name);
  // Process 1 of a container is not ended by a signal that it sends to itself.
  process.exit(128 + signalNumbers[name]);
}

function nodeProcess(): NodeProcess | undefined {
  const { process } = globalThis as { process?: NodeProcess & { versions?: { node?: string } } };
  return process?.versions?.node === undefined ? undefined : process;
}
