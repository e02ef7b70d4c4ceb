import type { Met, SeatRefusal } from "./claim.ts";
import { freeAtMs, sessionPath } from "./entry.ts";
import { entryAt, type PlacedEntry } from "./license.ts";
import { and, atLeast, exists, or, type Predicate, sizeAtMost, sizeBelow } from "./predicate.ts";
import { isFree, isLive, isOfDevice } from "./session-predicates.ts";

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

/**
 * The symbols whose entries, free for longest, have to give up their seats; or who uses the seats.
 * Every symbol held live by its own device keeps its seat.
 */
export function seatsFor({ request, asking, seen: { license }, own }: Met): Seated | SeatRefusal {
  const { symbols, deviceFingerprint, nowMs } = request;
  const { is } = asking;
  if (own.length === symbols.length && own.every(({ path }) => is(isLive(path, nowMs)))) {
    return { code: "seated", displaced: [] };
  }
  const others = Object.keys(license.sessions)
    .filter((symbol) => !symbols.includes(symbol))
    .map((symbol) => ({ symbol, placed: entryAt(license, symbol) }))
    .sort((a, b) => freesMs(a.placed) - freesMs(b.placed));
  const inUse = others.filter(({ placed }) => placed && !is(isFree(placed.path, nowMs)));
  const surplus = Math.max(0, others.length + symbols.length - license.max_sessions);
  const displaced = others.slice(0, surplus);
  if (is(atLeast(maxSessions, inUse.length + symbols.length))) {
    return { code: "seated", displaced: displaced.map(({ symbol }) => symbol) };
  }
  const last = displaced.length === surplus ? displaced.at(-1) : undefined;
  return {
    code: "session_limit",
    first: last?.placed && { symbol: last.symbol, ...last.placed },
    inUse: inUse.map(({ symbol, placed }) => ({
      symbol,
      isOwn: placed !== undefined && is(isOfDevice(placed.path, deviceFingerprint)),
    })),
    maxSessions: license.max_sessions,
    wantedSeats: symbols.length,
  };
}

type Seated = { code: "seated"; displaced: readonly string[] };

/** A member whose session is gone holds nothing. */
function freesMs(placed: PlacedEntry | undefined): number {
  return placed ? freeAtMs(placed.entry) : Number.NEGATIVE_INFINITY;
}
