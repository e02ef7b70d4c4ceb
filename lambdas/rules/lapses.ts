import type { Session } from "./entry.ts";
import { entryAt, type License } from "./license.ts";
import { and, atLeast, holds, less } from "./predicate.ts";
import { isNamed } from "./session-predicates.ts";

/** A session that lapsed and that nobody has revived, claimed or displaced since. */
export type Lapse = { session: Session; symbols: readonly string[] };

/** From the first instant, up to and without the second; epoch milliseconds. */
export type Window = { fromMs: number; toMs: number };

/** A session that comes back within this time has not lapsed for anybody. */
const stayedLapsedMs = 30_000;

const periodMs = 60_000;

/** The lapses that the run of a minute reports: each is in one window, of whatever run. */
export function windowOf(scheduledMs: number): Window {
  const toMs = Math.floor(scheduledMs / periodMs) * periodMs - stayedLapsedMs;
  return { fromMs: toMs - periodMs, toMs };
}

/**
 * The named sessions that lapsed within the window. A legacy bot's is unnamed: it lapses whenever its
 * market is closed.
 */
export function lapsesIn(
  license: Pick<License, "sessions" | "portfolios">,
  { fromMs, toMs }: Window,
): Lapse[] {
  const found = new Map<string, { session: Session; symbols: string[] }>();
  for (const symbol of Object.keys(license.sessions).sort()) {
    const { path = [], entry } = entryAt(license, symbol) ?? {};
    const lapsesAt = [...path, "lapses_at"];
    const isWithin = and(atLeast(lapsesAt, fromMs), less(lapsesAt, toMs));
    if (entry?.kind !== "session" || !holds(and(isNamed(path), isWithin), license)) continue;
    const lapse = found.get(entry.session_id) ?? { session: entry, symbols: [] };
    lapse.symbols.push(symbol);
    found.set(entry.session_id, lapse);
  }
  return [...found.values()];
}
