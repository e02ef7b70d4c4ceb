import type { Claim, SeatRefusal } from "./claim.ts";
import { freeAtMs, secondsUntil, sessionPath } from "./entry.ts";
import { entryAt, type License, type PlacedEntry } from "./license.ts";
import { and, atLeast, exists, or, type Predicate, sizeAtMost, sizeBelow } from "./predicate.ts";
import type { Asking } from "./rule-run.ts";
import { isFree, isOfDevice } from "./session-predicates.ts";

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
  { is }: Pick<Asking<unknown>, "is">,
): { displaced?: readonly string[]; refusal?: SeatRefusal } {
  const others = Object.keys(license.sessions)
    .filter((symbol) => !symbols.includes(symbol))
    .map((symbol) => ({ symbol, ...entryAt(license, symbol) }))
    .sort((a, b) => freesMs(a) - freesMs(b));
  const inUse = others.filter(({ path }) => path && !is(isFree(path, nowMs)));
  const surplus = Math.max(0, others.length + symbols.length - license.max_sessions);
  const displaced = others.slice(0, surplus);
  if (is(atLeast(maxSessions, inUse.length + symbols.length))) {
    return { displaced: displaced.map(({ symbol }) => symbol) };
  }
  const last = displaced.length === surplus ? displaced.at(-1) : undefined;
  const refusal: SeatRefusal = {
    code: "session_limit",
    first: last?.entry && {
      symbol: last.symbol,
      entry: last.entry,
      waitSeconds: secondsUntil(freesMs(last), nowMs),
    },
    inUse: inUse.map(({ symbol, path }) => ({
      symbol,
      isOwn: path !== undefined && is(isOfDevice(path, deviceFingerprint)),
    })),
    maxSessions: license.max_sessions,
    wantedSeats: symbols.length,
  };
  return { refusal };
}

/** A member whose session is gone holds nothing. */
function freesMs({ entry }: Partial<PlacedEntry>): number {
  return entry ? freeAtMs(entry) : Number.NEGATIVE_INFINITY;
}
