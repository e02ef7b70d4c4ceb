import type { Entry } from "./session.ts";

/**
 * The removal of entries in one write, on the condition that each has the lease that was seen to be
 * over. The short aliases leave room for 100 entries, as many as a license has seats, in the 4 KB of
 * an expression.
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
