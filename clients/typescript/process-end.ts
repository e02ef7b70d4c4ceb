/** What of Node.js's `process` is used here. The types of a browser know none. */
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
 * Lets something be left in order when the program comes to its end: nothing is left to do, or a
 * signal ends it for which the program has no listener of its own. All are left side by side.
 *
 * A program that listens to a signal itself is in charge: nothing is done, and nothing is changed.
 *
 * @param leave never rejects, and ends within some seconds
 * @returns what takes it back
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

/** Takes every listener out again: the process is as if this client had never been there. */
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
  // Once the other one is there: without any, Node.js would stop listening to the signal.
  const process = watching;
  queueMicrotask(() => process?.off(name, handler));
}

async function leaveAll(): Promise<void> {
  await Promise.all([...leavers].map((leave) => leave()));
}

/** The signal that was caught ends the program after all; a second one does so at once. */
async function leaveAndEnd(process: NodeProcess, name: SignalName): Promise<void> {
  const left = leaveAll();
  unwatch();
  await left;
  process.kill(process.pid, name);
  // The first process of a container survives its own signals.
  process.exit(128 + signalNumbers[name]);
}

function nodeProcess(): NodeProcess | undefined {
  const { process } = globalThis as { process?: NodeProcess & { versions?: { node?: string } } };
  return process?.versions?.node === undefined ? undefined : process;
}
