const callsOf = new WeakMap<AbortSignal, { calls: Set<() => void>; stop: () => void }>();

/**
 * Runs something when the signal fires, like an event listener. But however many wait for one
 * signal, it gets one listener: Node.js 20 warns of a leak from the eleventh on.
 *
 * @returns a function that cancels the call
 */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  const call = () => run();
  const entry = callsOf.get(signal) ?? listenTo(signal);
  entry.calls.add(call);
  return () => {
    entry.calls.delete(call);
    if (entry.calls.size === 0) entry.stop();
  };
}

function listenTo(signal: AbortSignal) {
  const calls = new Set<() => void>();
  const runAll = () => {
    stop();
    for (const call of calls) call();
  };
  const stop = () => {
    signal.removeEventListener("abort", runAll);
    callsOf.delete(signal);
  };
  signal.addEventListener("abort", runAll);
  const entry = { calls, stop };
  callsOf.set(signal, entry);
  return entry;
}
