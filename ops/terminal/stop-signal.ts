const exitCodes = { SIGINT: 130, SIGTERM: 143 };

/** npm passes on the Ctrl-C that the terminal has sent to this process already. */
const sameWithinMs = 500;
const lookForParentEveryMs = 250;

/**
 * Waits for SIGINT or SIGTERM. A further one ends the process at once.
 *
 * @param isNpmScript whether the parent is a shell of npm's, whose end counts as a signal: on
 *   SIGTERM npm ends its shell, and that doesn't pass the signal on
 * @returns a signal that aborts on the first
 */
export function stopSignal(isNpmScript: boolean): AbortSignal {
  const stop = new AbortController();
  let firstAtMs: number | undefined;
  for (const [signal, exitCode] of Object.entries(exitCodes)) {
    process.on(signal, () => {
      firstAtMs ??= Date.now();
      stop.abort();
      if (Date.now() - firstAtMs > sameWithinMs) process.exit(exitCode);
    });
  }
  if (isNpmScript) {
    const parent = process.ppid;
    setInterval(() => process.ppid !== parent && stop.abort(), lookForParentEveryMs).unref();
  }
  return stop.signal;
}
