import { vacancyAfter } from "./end.ts";
import {
  portfolioPath,
  type Session,
  secondsUntil,
  secondsUntilFree,
  sessionPath,
} from "./entry.ts";
import { changedByHeartbeats } from "./heartbeat.ts";
import { entryAt, isKeyInUse, type License, membersOf, sessionAt } from "./license.ts";
import {
  absent,
  and,
  atLeast,
  atMost,
  equal,
  holds,
  or,
  type Path,
  type Predicate,
} from "./predicate.ts";
import {
  type Assigned,
  type Change,
  carryOut,
  type Database,
  type Plan,
  type Rule,
  raisedToken,
} from "./rule-run.ts";
import { freeKey, nowhere, readSessionId } from "./session-id.ts";
import { isAlone, isGrantOf, isHeldBy, isOfDevice } from "./session-predicates.ts";
import { type Opening, placeOf, type SessionRequest } from "./session-request.ts";

export type Release = SessionRequest & {
  /** Only instead of a `sessionId`: from a program whose claim was never answered. */
  opening: Opening | undefined;
  /** How many symbols a session of several was granted. */
  grantedSymbols: number;
  /** How many symbols the caller names of the one session that all symbols share, if they do. */
  namedSymbols?: number | undefined;
  /** For what waits on a part of a session of several. */
  vacancyKey: string;
  legacy?: LegacyRelease;
};

/** What `lambdas/legacy/` adds to a release that names no session. */
export type LegacyRelease = {
  /** Whether no other copy of the bot can be using the session. */
  mayEnd(path: Path): Predicate;
};

/** The next device may claim after the wait. It is 0 unless another process may still hold it. */
export type Released = { code: "released"; waitSeconds: number; session: Session };

export type ReleaseOutcome =
  | Released
  | { code: "not_held"; why: NotHeld }
  /** Another process may use the session. */
  | { code: "left_to_lapse"; waitSeconds: number };

export type NotHeld = "no_session" | "another_device" | "another_session" | "named_session";

/**
 * Ends the caller's session in one conditional write. Changes nothing if the caller does not hold
 * it. Also works on an ended license.
 *
 * If another process may still believe that it holds the session, the key is not freed yet: a second
 * write leaves a vacancy, which lapses once that is ruled out.
 *
 * @throws any error of the database
 */
export async function release(database: Database, request: Release): Promise<ReleaseOutcome> {
  const { licenseId, sessionId, opening, portfolioKey, namedSymbols } = request;
  // Only the item says where the session of an opening stands, and how many symbols it was granted.
  const isUnknown = opening && (portfolioKey !== undefined || namedSymbols !== undefined);
  if (!isUnknown && !endsNothing(request, sessionId)) {
    return carryOut(database, licenseId, releaseRule(request));
  }
  const seen = await database.get(licenseId);
  if (!seen) return { code: "not_held", why: "no_session" };
  const placed =
    opening && portfolioKey !== undefined ? found(request, opening, seen.license) : request;
  return carryOut(database, licenseId, releaseRule(placed), seen);
}

/** The request for the session of several symbols that the opening was granted. */
function found(request: Release, opening: Opening, license: License): Release {
  const isGranted = (key: string) =>
    holds(isGrantOf(portfolioPath(key), request.deviceFingerprint, opening), license);
  const portfolioKey = Object.keys(license.portfolios ?? {}).find(isGranted) ?? nowhere;
  return { ...request, portfolioKey, grantedSymbols: membersOf(license, portfolioKey).length };
}

/**
 * A release of nothing in particular, or of a part of what all symbols share.
 *
 * @param heldId the session that it may be about
 */
function endsNothing(request: Release, heldId: string | undefined): boolean {
  const { sessionId, opening, legacy, namedSymbols = Number.POSITIVE_INFINITY } = request;
  const isNameless = sessionId === undefined && opening === undefined && !legacy;
  return isNameless || namedSymbols < readSessionId(heldId).grantedSymbols;
}

function releaseRule(request: Release): Rule<ReleaseOutcome> {
  const { nowMs, symbols, opening, portfolioKey, legacy } = request;
  const path = placeOf(request);
  const at = (name: string) => [...path, name];

  return (asking) => {
    const why = () => (asking.seen ? whyNotHeld(asking.seen.license, request) : "no_session");
    const isHeld = opening
      ? isGrantOf(path, request.deviceFingerprint, opening)
      : isHeldBy(path, request);
    asking.must(() => ({ code: "not_held", why: why() }), isHeld);
    // What was edited by hand can't be read once it is gone: it stays until an operator ends it. Entries
    // of the oldest version have no `lapses_at`.
    const isNumber = (of: Path) => or(absent(of), atLeast(of, 0));
    asking.must(unreadable, and(isNumber(at("last_heartbeat")), isNumber(at("lapses_at"))));
    if (asking.seen) {
      const session = sessionAt(asking.seen.license, path);
      if (endsNothing(request, session.session_id)) {
        return { outcome: leftToLapse(session, nowMs) };
      }
    }

    const isUncontested = or(absent(at("contested_until")), atMost(at("contested_until"), nowMs));
    const mayEnd = legacy?.mayEnd(path) ?? isAlone(path);
    const areMembers =
      portfolioKey === undefined
        ? []
        : symbols.map((symbol) => equal(sessionPath(symbol), portfolioKey));
    if (asking.is(and(isUncontested, mayEnd, ...areMembers))) {
      return leave(symbols, symbols.length === request.grantedSymbols);
    }

    const { license } = asking.item();
    asking.onThisVersion();
    const members = portfolioKey === undefined ? symbols : membersOf(license, portfolioKey);
    const released = symbols.filter((symbol) => members.includes(symbol));
    if (released.length === 0) return { outcome: { code: "not_held", why: why() } };
    const session = sessionAt(license, path);
    if (legacy && !asking.is(mayEnd)) return leaving(path, session, nowMs);
    const sharedUntilMs = asking.is(mayEnd) ? 0 : session.lapses_at;
    const untilMs = Math.max(session.contested_until ?? 0, sharedUntilMs);
    for (const name of changedByHeartbeats) asking.asSeen(at(name));
    const isWhole = released.length === members.length;
    const apartKey = isWhole
      ? undefined
      : freeKey(request.vacancyKey, (key) => isKeyInUse(license, key));
    return untilMs <= nowMs ? leave(released, isWhole) : wait(session, released, apartKey, untilMs);
  };

  /** The next device may claim at once. */
  function leave(released: readonly string[], isWhole: boolean): Plan<ReleaseOutcome> {
    const members = portfolioKey === undefined ? [] : released.map(sessionPath);
    return ending({ set: [], remove: [...members, ...(isWhole ? [path] : [])] }, 0);
  }

  /**
   * Another process may believe that it holds the session until then.
   *
   * @param apartKey where a part waits; `undefined` if all of the session does
   */
  function wait(
    session: Session,
    released: readonly string[],
    apartKey: string | undefined,
    untilMs: number,
  ): Plan<ReleaseOutcome> {
    const vacancy = vacancyAfter(session, untilMs);
    const set: [Path, Assigned][] =
      apartKey === undefined
        ? [[path, vacancy]]
        : [
            [portfolioPath(apartKey), vacancy],
            ...released.map((symbol): [Path, Assigned] => [sessionPath(symbol), apartKey]),
          ];
    return ending({ set, remove: [] }, secondsUntil(untilMs, nowMs));
  }

  function ending({ set, remove }: Change, waitSeconds: number): Plan<ReleaseOutcome> {
    return {
      change: { set: [...set, raisedToken], remove },
      applied: ({ before }) => ({
        code: "released",
        waitSeconds,
        session: sessionAt(before.license, path),
      }),
    };
  }
}

/** The legacy bot has left the session, which may have another copy of it. */
function leaving(path: Path, session: Session, nowMs: number): Plan<ReleaseOutcome> {
  return {
    change: { set: [[[...path, "left"], true], raisedToken], remove: [] },
    applied: () => leftToLapse(session, nowMs),
  };
}

function unreadable(): never {
  throw new Error("The times of the session can't be read");
}

function leftToLapse(session: Session, nowMs: number): ReleaseOutcome {
  return { code: "left_to_lapse", waitSeconds: secondsUntilFree(session, nowMs) };
}

function whyNotHeld(license: License, { symbols: [symbol = ""], ...request }: Release): NotHeld {
  const { path, entry } = entryAt(license, symbol) ?? {};
  if (!path || entry?.kind !== "session") return "no_session";
  if (!holds(isOfDevice(path, request.deviceFingerprint), license)) return "another_device";
  const isUnnamedRequest = request.sessionId === undefined && request.opening === undefined;
  return isUnnamedRequest ? "named_session" : "another_session";
}
