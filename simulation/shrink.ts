import type { Violation } from "./checker.ts";
import { runWorld, type WorldOptions, type WorldResult } from "./run-world.ts";

/** What makes two worlds of one seed the same. */
export type SameWorld = Pick<WorldOptions, "seed" | "sources" | "restless" | "several">;

/**
 * Removes from a failing world everything it fails without: programs, faults, actions of operators.
 *
 * @param mostRuns how many worlds to try at most
 * @returns the smallest world found, and the departures that are left in it
 */
export async function shrinkWorld(
  { seed, sources, restless, several }: SameWorld,
  failing: WorldResult,
  mostRuns: number,
): Promise<{ result: WorldResult; allowed: ReadonlySet<string> }> {
  let best = { result: failing, allowed: namesOf(failing) };
  let runs = 0;

  async function tryWithout(left: ReadonlySet<string>): Promise<boolean> {
    runs++;
    const allowed = new Set([...best.allowed].filter((name) => !left.has(name)));
    const result = await runWorld({ seed, sources, restless, several, allowed });
    if (!isSame(result.violation, failing.violation)) return false;
    // What did not come about any more is left out for good.
    best = { result, allowed: namesOf(result) };
    return true;
  }

  for (let size = Math.ceil(best.allowed.size / 2); size >= 1 && runs < mostRuns; ) {
    const names = [...best.allowed].reverse();
    let shrunk = false;
    for (let at = 0; at < names.length && runs < mostRuns; at += size) {
      const chunk = names.slice(at, at + size).filter((name) => best.allowed.has(name));
      if (chunk.length > 0 && (await tryWithout(new Set(chunk)))) shrunk = true;
    }
    if (size === 1 && !shrunk) break;
    size = shrunk && size > 1 ? size : Math.floor(size / 2) || (shrunk ? 1 : 0);
  }
  return best;
}

function namesOf({ departures }: WorldResult): ReadonlySet<string> {
  return new Set(departures.map(({ name }) => name));
}

function isSame(violation: Violation | undefined, wanted: Violation | undefined): boolean {
  return violation !== undefined && violation.rule === wanted?.rule;
}
