import type { Claim, SeatRefusal } from "./claim.ts";
import { deviceOf, freeAtMs, secondsUntil, sessionPath } from "./entry.ts";
import { entryAt, type License } from "./license.ts";
import { and, atLeast, exists, or, type Predicate, sizeAtMost, sizeBelow } from "./predicate.ts";

const sessions = ["sessions"];
const maxSessions = ["max_sessions"];

/** The most seats that a license has. */
const mostSeats = 100;

/**
 * Whether nobody has to give up a seat. One symbol may have an entry already, which has its seat; of
 * several none may have. Conditions know no arithmetic, so for several the number of entries is
 * bounded by a few steps: it may look full although it is not, but never the reverse.
 */
export function hasSeats(symbols: readonly string[]): Predicate {
  const [symbol, ...others] = symbols;
  if (symbol !== undefined && others.length === 0) {
    const reuses = and(exists(sessionPath(symbol)), sizeAtMost(sessions, maxSessions));
    return or(sizeBelow(sessions, maxSessions), reuses);
  }
  const steps = [0, 1, 2, 4, 8, 16, 32, 64].filter(
    (entries) => entries + symbols.length <= mostSeats,
  );
  return or(
    ...steps.map((entries) =>
      and(sizeAtMost(sessions, entries), atLeast(maxSessions, entries + symbols.length)),
    ),
  );
}

/** The symbols whose entries, free for longest, have to give up their seats; or who uses the seats. */
export function seatsFor(
  license: License,
  { symbols, deviceFingerprint, nowMs }: Claim,
): { displaced: readonly string[] } | SeatRefusal {
  const others = Object.keys(license.sessions)
    .filter((symbol) => !symbols.includes(symbol))
    .map((symbol) => {
      const entry = entryAt(license, symbol)?.entry;
      return { symbol, entry, freeMs: entry ? freeAtMs(entry) : Number.NEGATIVE_INFINITY };
    })
    .sort((a, b) => a.freeMs - b.freeMs);
  const surplus = others.length + symbols.length - license.max_sessions;
  if (surplus <= 0) return { displaced: [] };
  const displaced = others.slice(0, surplus);
  const last = displaced.at(-1);
  if (last && displaced.length === surplus && last.freeMs <= nowMs) {
    return { displaced: displaced.map(({ symbol }) => symbol) };
  }
  return {
    code: "session_limit",
    first:
      last?.entry && displaced.length === surplus
        ? { symbol: last.symbol, entry: last.entry, waitSeconds: secondsUntil(last.freeMs, nowMs) }
        : undefined,
    inUse: others
      .filter(({ freeMs }) => freeMs > nowMs)
      .map(({ symbol, entry }) => ({
        symbol,
        isOwn: entry !== undefined && deviceOf(entry) === deviceFingerprint,
      })),
    maxSessions: license.max_sessions,
    wantedSeats: symbols.length,
  };
}
