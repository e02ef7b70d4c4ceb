import type { Claim, ClaimRefusal } from "./claim.ts";
import { isNamed, leaseMs, type ResolvedEntry, type Session } from "./entry.ts";
import { entryAt, type License } from "./license.ts";
import type { Path } from "./predicate.ts";
import { type Assigned, carryOut, type Database, type Rule, raisedToken } from "./rule-run.ts";
import { maskFingerprint } from "./shown-device.ts";

type Conflict = Extract<ClaimRefusal, { code: "session_conflict" }>;

/** What a refusal says about the holder that was asked. */
export type Ask = {
  /** False: it can't be asked. */
  holder_asked: boolean;
  /** A heartbeat's answer carried the note. */
  holder_told: boolean;
  /** The holder has answered that it keeps the session. */
  holder_keeps: boolean;
};

/**
 * Leaves a note on every live, named session in the way, in one write: who asked first, for which
 * symbols. It lasts as long as the holder's lease; meanwhile further asks write nothing. Nothing is
 * ever taken from a live holder.
 *
 * @returns what to say for each symbol that is blocked, and whether a note was written
 */
export function askHolders(
  database: Database,
  request: Claim,
  { blocked, seen }: Conflict,
): Promise<{ asks: ReadonlyMap<string, Ask>; isNew: boolean }> {
  const { licenseId, deviceFingerprint, nowMs } = request;
  const symbols = blocked.map(({ symbol }) => symbol);
  const rule: Rule<{ asks: ReadonlyMap<string, Ask>; isNew: boolean }> = (asking) => {
    const license = asking.seen?.license;
    if (!license) return { outcome: { asks: new Map(), isNew: false } };
    const set: [Path, Assigned][] = [];
    for (const { path, session, asked } of sessionsInTheWay(license, symbols)) {
      if (!canBeAsked(session, nowMs) || noteOf(session, nowMs) || keeps(session, nowMs)) continue;
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
    if (set.length === 0) return { outcome: asksOf(license) };
    asking.onThisVersion();
    return {
      change: { set: [...set, raisedToken], remove: [] },
      applied: ({ after }) => ({ ...asksOf(after.license), isNew: true }),
    };
  };
  return carryOut(database, licenseId, rule, seen);

  function asksOf(license: License) {
    const asks = symbols.map((symbol) => [symbol, askOf(entryAt(license, symbol)?.entry)] as const);
    return { asks: new Map(asks), isNew: false };
  }

  function askOf(entry: ResolvedEntry | undefined): Ask {
    if (entry?.kind !== "session" || !canBeAsked(entry, nowMs)) {
      return { holder_asked: false, holder_told: false, holder_keeps: false };
    }
    const note = noteOf(entry, nowMs);
    const isTold =
      note !== undefined &&
      entry.confirmed === true &&
      entry.last_heartbeat > note.met &&
      entry.last_heartbeat < note.until;
    return {
      holder_asked: note !== undefined,
      holder_told: isTold,
      holder_keeps: keeps(entry, nowMs),
    };
  }
}

/** The note that the holder's next heartbeat answers with, while it lasts. */
export function noteOf({ asked }: Session, nowMs: number): Session["asked"] {
  return asked && nowMs < asked.until ? asked : undefined;
}

function keeps({ kept_until }: Session, nowMs: number): boolean {
  return kept_until !== undefined && nowMs < kept_until;
}

function canBeAsked(session: Session, nowMs: number): boolean {
  return nowMs < session.lapses_at && isNamed(session);
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
