type NodeProcess = {
  platform?: string;
  versions?: { node?: string };
  getBuiltinModule?: (name: "node:os") => { uptime(): number } | undefined;
};

export type Clock = {
  /** Milliseconds since some moment in the past. */
  nowMs(): number;
  /** What this clock can't do, in words for people; `undefined` if nothing is missing. */
  shortcoming: string | undefined;
};

/**
 * A clock that nobody can set and that goes on while the machine sleeps.
 *
 * `performance.now()` stands still during the sleep of a Linux machine; the uptime does not. Other
 * systems count the sleep. A browser may not; there, and in a paused virtual machine, where no clock
 * of this kind goes on, only the wall clock shows the pause.
 */
export function createClock(): Clock {
  const process = nodeProcess();
  if (process?.platform !== "linux" || !process.versions?.node) return awakeClock(undefined);
  const os = process.getBuiltinModule?.("node:os");
  if (!os) {
    return awakeClock(
      `Node.js ${process.versions.node} has no clock that counts this machine's sleep, which only the wall clock can show: update to 20.16, 22.3 or later`,
    );
  }
  return { nowMs: sleepProof(() => os.uptime() * 1_000), shortcoming: undefined };
}

function awakeClock(shortcoming: string | undefined): Clock {
  return { nowMs: () => performance.now(), shortcoming };
}

function sleepProof(uptimeMs: () => number): () => number {
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

/** The types of a browser know no `process`, those of Node.js no world without. */
function nodeProcess(): NodeProcess | undefined {
  return (globalThis as { process?: NodeProcess }).process;
}
