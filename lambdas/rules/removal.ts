import type { Entry } from "./session.ts";

/**
 * Removes entries in one write, on the condition that the lease of each has not changed since it
 * was found to be over. The short aliases keep 100 entries, the most seats of a license, within
 * DynamoDB's 4 KB limit for an expression.
 */
export function removalOf(entries: readonly (readonly [symbol: string, Entry])[]) {
  const paths = entries.map((_, index) => `sessions.#${index}`);
  return {
    update: `REMOVE ${paths.join(",")}`,
    condition: paths.map((path, index) => `${path}.lapses_at=:${index}`).join(" AND "),
    names: Object.fromEntries(entries.map(([symbol], index) => [`#${index}`, symbol])),
    values: Object.fromEntries(entries.map(([, entry], index) => [`:${index}`, entry.lapses_at])),
  };
}
