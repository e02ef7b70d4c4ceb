type NodeProcess = {
  platform?: string;
  versions?: { node?: string };
  getBuiltinModule?: (name: "node:os") => { uptime(): number } | undefined;
};

type Clock = {
  /** Milliseconds since some moment in the past. */
  nowMs(): number;
  /** What this clock can't do, as a message for people; `undefined` if it has no limitation. */
  shortcoming: string | undefined;
};

/**
 * A clock that can't be set and that keeps running while the machine sleeps.
 *
 * On Linux, `performance.now()` stops during sleep but the uptime does not. On other systems it
 * keeps running. A browser's clock may stop, and in a paused virtual machine every such clock
 * stops: then only the wall clock reveals the pause.
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
    // The uptime is coarse. A gap below a second does not count as sleep; the margin covers it.
    if (gapMs > sleptMs + 1_000) sleptMs = gapMs;
    return awakeMs + sleptMs;
  };
}

/**
 * `process`, where there is one. Browser types lack it, and Node.js types assume that it exists.
 */
function nodeProcess(): NodeProcess | undefined {
  return (globalThis as { process?: NodeProcess }).process;
}
