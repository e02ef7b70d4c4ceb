type NodeProcess = {
  platform?: string;
  getBuiltinModule?: (name: "node:os") => { uptime(): number } | undefined;
};

/**
 * A clock that nobody can set and that goes on while the machine sleeps.
 *
 * `performance.now()` stands still during the sleep of a Linux machine; the uptime does not. Other
 * systems count the sleep. A browser may not, and has nothing that would tell.
 *
 * @returns milliseconds since some moment in the past
 */
export function createClock(): () => number {
  const uptimeMs = readUptime();
  if (!uptimeMs) return () => performance.now();

  const sleptBefore = uptimeMs() - performance.now();
  let sleptMs = 0;
  return () => {
    const awakeMs = performance.now();
    const gapMs = uptimeMs() - awakeMs - sleptBefore;
    // The uptime comes in steps: less than a second is no sleep, and the margin covers it.
    if (gapMs > sleptMs + 1_000) sleptMs = gapMs;
    return awakeMs + sleptMs;
  };
}

function readUptime(): (() => number) | undefined {
  const process = nodeProcess();
  if (process?.platform !== "linux") return undefined;
  const os = process.getBuiltinModule?.("node:os");
  return os && (() => os.uptime() * 1_000);
}

/** The types of a browser know no `process`, those of Node.js no world without. */
function nodeProcess(): NodeProcess | undefined {
  return (globalThis as { process?: NodeProcess }).process;
}
