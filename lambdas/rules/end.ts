import {
  freeAtMs,
  leaseMs,
  portfolioPath,
  type ResolvedEntry,
  type Session,
  type Stored,
  sessionPath,
  type Vacancy,
} from "./entry.ts";
import { emptiedPortfolios, entryAt, membersOf } from "./license.ts";
import type { Path } from "./predicate.ts";
import type { Assigned, Rule } from "./rule-run.ts";

type End = {
  /** The symbol whose session an operator has seen. */
  symbol: string;
  /** The entry that was seen; another one that has replaced it is left alone. */
  seenEntry: ResolvedEntry;
  /** All symbols of a session of several, or this symbol alone. */
  wholeSession: boolean;
  /** Other devices may claim at once, whoever may still believe that it holds the session. */
  now: boolean;
  /** By the table's clock, epoch milliseconds. */
  nowMs: number;
};

export type EndOutcome =
  /** `before` is the entry that was ended. */
  | { code: "ended"; before: ResolvedEntry; symbols: readonly string[] }
  /** The bot released it first, so there is no entry left to end. */
  | { code: "released" }
  /** Another claim has replaced the session that was seen. */
  | { code: "claimed" };

/**
 * Ends the session that was seen, even if heartbeats have renewed it since, but never another one.
 * What remains is a vacancy: the old holder's heartbeats and late attempts learn that an operator
 * ended it, and its device may claim anew at once. An entry that can't be read is removed.
 */
export function endRule({ symbol, seenEntry, wholeSession, now, nowMs }: End): Rule<EndOutcome> {
  return (asking) => {
    const { seen } = asking;
    const standing = seen && entryAt(seen.license, symbol);
    if (!standing) return { outcome: { code: "released" } };
    const { path, entry } = standing;
    if (!isOfSame(seenEntry, entry)) return { outcome: { code: "claimed" } };
    asking.onThisVersion();
    const [map, key = ""] = path;
    const isWhole = map === "sessions" || wholeSession;
    const place = isWhole ? path : sessionPath(symbol);
    const symbols = map === "sessions" || !wholeSession ? [symbol] : membersOf(seen.license, key);
    const emptied = isWhole ? [] : emptiedPortfolios(seen.license, [symbol]);
    if (entry.kind !== "unreadable") asking.leaseAsSeen(path);
    const set: [Path, Assigned][] = entry.kind === "unreadable" ? [] : [[place, vacancyOf(entry)]];
    const goes = entry.kind === "unreadable" ? placesOf(place, symbols) : [];
    const remove = [...goes, ...emptied.map(portfolioPath)];
    return {
      change: { set, remove },
      applied: () => ({ code: "ended", before: entry, symbols }),
    };
  };

  function vacancyOf(entry: Session | Vacancy): Stored<Vacancy> {
    const lapsesAtMs = now ? 0 : freeAtMs(entry);
    if (entry.kind === "session") return { ...vacancyAfter(entry, lapsesAtMs), ended_at: nowMs };
    const { kind, ...stored } = entry;
    return { ...stored, lapses_at: lapsesAtMs, ended_at: nowMs };
  }
}

/** What goes with an entry that can't be read: no symbol may be left without its session. */
function placesOf(place: Path, symbols: readonly string[]): Path[] {
  const [map] = place;
  return map === "sessions" ? [place] : [place, ...symbols.map(sessionPath)];
}

/** Whether the entry is the session that was seen, or what remains of it. */
function isOfSame(seen: ResolvedEntry, entry: ResolvedEntry): boolean {
  const idOf = (each: ResolvedEntry) => {
    switch (each.kind) {
      case "session":
        return each.session_id;
      case "vacancy":
        return each.vacated_session_id ?? each.vacated_by;
      case "unreadable":
        return "";
    }
  };
  return idOf(seen) === idOf(entry);
}

/**
 * What remains of a session that is over while a process may still believe that it holds it.
 *
 * @param lapsesAtMs until then only the same device may claim, epoch milliseconds
 */
export function vacancyAfter(session: Session, lapsesAtMs: number): Stored<Vacancy> {
  const { device_fingerprint, session_id, run_id, claim_number } = session;
  return {
    vacated_by: device_fingerprint,
    vacated_session_id: session_id,
    ...(run_id !== undefined && { run_id }),
    ...(claim_number !== undefined && { claim_number }),
    lease_ms: leaseMs(session),
    lapses_at: lapsesAtMs,
  };
}
