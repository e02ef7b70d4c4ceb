import type { Claim, Conflict } from "./claim.ts";
import { leaseMs, type Session, sessionPath } from "./entry.ts";
import { entryAt, type License } from "./license.ts";
import { holds, or, type Path } from "./predicate.ts";
import { type Assigned, carryOut, type Database, type Rule, raisedToken } from "./rule-run.ts";
import { canBeAsked, isAsked, isKept, isToldOf } from "./session-predicates.ts";
import { maskFingerprint } from "./shown-device.ts";

/** What a refusal says about the holder that was asked. */
export type Ask = {
  /** False: it can't be asked. */
  holder_asked: boolean;
  /** A heartbeat's answer carried the note. */
  holder_told: boolean;
  /** The holder has answered that it keeps the session. */
  holder_keeps: boolean;
};

/** What to say for each symbol that is blocked, and whether a note was written. */
type Asks = { asks: ReadonlyMap<string, Ask>; isNew: boolean };

/**
 * Leaves a note on every live, named session in the way, in one write: who asked first, for which
 * symbols. It lasts as long as the holder's lease; meanwhile further asks write nothing. Nothing is
 * ever taken from a live holder.
 */
export function askHolders(
  database: Database,
  request: Claim,
  { blocked, seen }: Conflict,
): Promise<Asks> {
  const { licenseId, deviceFingerprint, nowMs } = request;
  const symbols = blocked.map(({ symbol }) => symbol);
  const rule: Rule<Asks> = (asking) => {
    const license = asking.seen?.license;
    if (!license) return { outcome: { asks: new Map(), isNew: false } };
    asking.onThisVersion();
    const set: [Path, Assigned][] = [];
    for (const { path, session, asked } of sessionsInTheWay(license, symbols)) {
      if (!asking.is(canBeAsked(path, nowMs))) continue;
      if (asking.is(or(isAsked(path, nowMs), isKept(path, nowMs)))) continue;
      const note = {
        device: maskFingerprint(deviceFingerprint),
        at: nowMs,
        until: nowMs + leaseMs(session),
        met: session.last_heartbeat,
        symbols: asked,
      };
      set.push([[...path, "asked"], note]);
      asking.asSeen([...path, "last_heartbeat"]);
    }
    if (set.length === 0) return { outcome: { asks: asksOf(license), isNew: false } };
    return {
      change: { set: [...set, raisedToken], remove: [] },
      applied: ({ after }) => ({ asks: asksOf(after.license), isNew: true }),
    };
  };
  return carryOut(database, licenseId, rule, seen);

  function asksOf(license: License): ReadonlyMap<string, Ask> {
    const askOf = (symbol: string): Ask => {
      const { path = sessionPath(symbol) } = entryAt(license, symbol) ?? {};
      return {
        holder_asked: holds(isAsked(path, nowMs), license),
        holder_told: holds(isToldOf(path, nowMs), license),
        holder_keeps: holds(isKept(path, nowMs), license),
      };
    };
    return new Map(symbols.map((symbol) => [symbol, askOf(symbol)]));
  }
}

/** The note that the holder's next heartbeat answers with, while it lasts. */
export function noteOf(session: Session, nowMs: number): Session["asked"] {
  return session.asked && holds(isAsked([], nowMs), session) ? session.asked : undefined;
}

/** Each session once, with the symbols it is asked for. */
function sessionsInTheWay(license: License, symbols: readonly string[]) {
  const found = new Map<string, { path: Path; session: Session; asked: string[] }>();
  for (const symbol of symbols) {
    const placed = entryAt(license, symbol);
    if (placed?.entry.kind !== "session") continue;
    const { path, entry: session } = placed;
    const known = found.get(String(path)) ?? { path, session, asked: [] };
    found.set(String(path), { ...known, asked: [...known.asked, symbol] });
  }
  return found.values();
}
