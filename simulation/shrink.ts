import { runWorld, type World, type WorldResult } from "./run-world.ts";

/**
 * Removes from a failing world everything it fails without: programs, faults, actions of operators.
 *
 * @param mostRuns how many worlds to try at most
 * @returns the departures that are left in the smallest world found
 */
export async function shrinkWorld(
  world: World,
  failing: WorldResult,
  mostRuns: number,
): Promise<ReadonlySet<string>> {
  let best = namesOf(failing);
  let runs = 0;

  async function tryWithout(left: ReadonlySet<string>): Promise<boolean> {
    runs++;
    const allowed = new Set([...best].filter((name) => !left.has(name)));
    const result = await runWorld({ ...world, allowed });
    if (result.violation?.rule !== failing.violation?.rule) return false;
    // What did not come about any more is left out for good.
    best = namesOf(result);
    return true;
  }

  for (let size = Math.ceil(best.size / 2); size >= 1 && runs < mostRuns; ) {
    const names = [...best].reverse();
    let shrunk = false;
    for (let at = 0; at < names.length && runs < mostRuns; at += size) {
      const chunk = names.slice(at, at + size).filter((name) => best.has(name));
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
