import { randomInt } from "node:crypto";
import { env } from "node:process";

const isDeep = env.PROOF === "deep";

/** Replays the cases of an earlier run, whose seed was printed. */
const seed = env.PROOF_SEED ? Number(env.PROOF_SEED) : randomInt(2 ** 31);

/** How many cases to try: more under `npm run test:deep`, fewer against a mutant. */
export function scaled(normal: number, deep: number): number {
  if (env.PROOF === "mutation") return Math.ceil(normal / 10);
  return isDeep ? deep : normal;
}

/** What fast-check is run with. `PROOF_PATH` leads straight to the case that a failure has named. */
export function replayable(numRuns: number, seedOffset = 0) {
  return {
    numRuns,
    seed: seed + seedOffset,
    endOnFailure: isDeep,
    ...(env.PROOF_PATH && { path: env.PROOF_PATH }),
  };
}

/** Prints how much was tried, which vitest does not show of a test that passes. */
export function printTried(what: string): void {
  process.stdout.write(`proof: ${what}; PROOF_SEED=${seed}\n`);
}
