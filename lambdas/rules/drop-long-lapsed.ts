import { portfolioPath, sessionPath } from "./entry.ts";
import { distinctPaths, emptiedPortfolios, entryAt, type License, standing } from "./license.ts";
import { and, atLeast, holds, not, type Path, type Predicate } from "./predicate.ts";
import { type Database, type Rule, raisedToken, runOn, type Seen } from "./rule-run.ts";

const keptForMs = 7 * 86_400_000;

/** How long a claim waits for the removal. */
const withinMs = 500;

/**
 * Removes the entries that lapsed more than 7 days ago and the sessions that have no symbol left, by
 * at most one write: each entry makes every heartbeat of the license cost more. If the item has
 * changed since it was read, or the write fails, the next claim tries again.
 *
 * @param seen as the claim left it
 * @returns the license without the removed entries
 */
export async function dropLongLapsed(
  database: Database,
  seen: Seen,
  nowMs: number,
): Promise<License> {
  const { plan, condition } = runOn(seen, dropRule(seen.license, nowMs));
  if (!plan.change) return seen.license;
  // A failure here must not fail the claim, which is already written.
  const written = await database
    .update(seen.license.license_id, condition, plan.change, { withinMs })
    .catch(() => undefined);
  return written?.applied ? written.after.license : seen.license;
}

function dropRule(license: License, nowMs: number): Rule<undefined> {
  return (asking) => {
    const old = Object.keys(license.sessions).filter((symbol) => {
      const path = entryAt(license, symbol)?.path;
      return path === undefined || holds(isOverBefore(path, nowMs - keptForMs), license);
    });
    const emptied = emptiedPortfolios(license, old).map(portfolioPath);
    if (old.length + emptied.length === 0) return { outcome: undefined };
    asking.onThisVersion();
    for (const path of distinctPaths(standing(license, old))) asking.leaseAsSeen(path);
    return {
      change: { set: [raisedToken], remove: [...old.map(sessionPath), ...emptied] },
      applied: () => undefined,
    };
  };
}

/** One that an operator ended at once has `lapses_at` 0. */
function isOverBefore(path: Path, instantMs: number): Predicate {
  const reaches = (name: string) => atLeast([...path, name], instantMs);
  return and(...["lapses_at", "contested_until", "ended_at"].map((name) => not(reaches(name))));
}
