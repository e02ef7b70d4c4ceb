import { dropLongLapsed } from "./drop-long-lapsed.ts";
import { vacancyAfter } from "./end.ts";
import {
  isNamed,
  portfolioPath,
  type Session,
  secondsUntil,
  secondsUntilFree,
  sessionPath,
} from "./entry.ts";
import { type Holder, type Opening, placeOf } from "./holder.ts";
import { entryAt, type License, membersOf, sessionAt } from "./license.ts";
import {
  absent,
  and,
  atMost,
  equal,
  holds,
  not,
  or,
  type Path,
  type Predicate,
  same,
} from "./predicate.ts";
import {
  type Assigned,
  type Change,
  carryOut,
  type Database,
  type Plan,
  type Rule,
  raisedToken,
  type Seen,
} from "./rule-run.ts";
import { readSessionId, unusedKey } from "./session-id.ts";
import { isGrantOf, isNamedAt } from "./session-predicates.ts";

export type Release = Holder & {
  /** Instead of the `sessionId`, from a program whose claim was never answered. */
  opening: Opening | undefined;
  /** How many symbols a session of several was granted. */
  grantedSymbols: number;
  /** How many symbols the caller names of the one session that all symbols share, if they do. */
  namedSymbols?: number | undefined;
  /** For what waits on a part of a session of several. */
  vacancyKey: string;
  nowMs: number;
  legacy?: LegacyRelease;
};

/** What `lambdas/legacy/` adds to a release that names no session. */
export type LegacyRelease = {
  /** Whether no other copy of the bot can be using the session. */
  mayEnd(path: Path): Predicate;
  /** Attributes of a session that is left to lapse. */
  attributes: Record<string, Assigned>;
};

export type ReleaseOutcome =
  /** The next device may claim after the wait. It is 0 unless another process may still hold it. */
  | {
      code: "released";
      waitSeconds: number;
      session: Session;
      symbols: readonly string[];
      item: Seen;
    }
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
  const { licenseId, sessionId, opening, legacy, portfolioKey } = request;
  const shared = await sharedByMore(database, request);
  if (shared) return leftToLapse(shared, request.nowMs);
  const isPlaceKnown = sessionId !== undefined || (opening && portfolioKey === undefined);
  if (isPlaceKnown || legacy) return carryOutRelease(database, request);
  const seen = await database.get(licenseId);
  if (!seen) return { code: "not_held", why: "no_session" };
  if (!opening) return unnamedRelease(seen.license, request);
  const key = portfolioOf(seen.license, request, opening);
  if (key === undefined) return { code: "not_held", why: whyNotHeld(seen.license, request) };
  const grantedSymbols = membersOf(seen.license, key).length;
  return carryOutRelease(database, { ...request, portfolioKey: key, grantedSymbols });
}

/** The caller's session, if other symbols than those it names share it. */
async function sharedByMore(database: Database, request: Release): Promise<Session | undefined> {
  const { licenseId, namedSymbols } = request;
  if (namedSymbols === undefined) return undefined;
  const seen = await database.get(licenseId);
  const path = placeOf(request);
  if (!seen || !holds(isHeldBy(path, request), seen.license)) return undefined;
  const session = sessionAt(seen.license, path);
  return readSessionId(session.session_id).grantedSymbols > namedSymbols ? session : undefined;
}

async function carryOutRelease(database: Database, request: Release): Promise<ReleaseOutcome> {
  const { licenseId, portfolioKey, nowMs } = request;
  const outcome = await carryOut(database, licenseId, releaseRule(request), mostWrites);
  // Its last symbols may have left the session behind.
  if (outcome.code === "released" && portfolioKey !== undefined) {
    await dropLongLapsed(database, outcome.item, nowMs);
  }
  return outcome;
}

/** Only other processes of the same device move a session between a refusal and the next write. */
const mostWrites = 5;

function releaseRule(request: Release): Rule<ReleaseOutcome> {
  const { nowMs, symbols, portfolioKey, grantedSymbols, vacancyKey, legacy } = request;
  const path = placeOf(request);
  const at = (name: string) => [...path, name];

  return (asking) => {
    const why = () => (asking.seen ? whyNotHeld(asking.seen.license, request) : "no_session");
    asking.must(() => ({ code: "not_held", why: why() }), isHeldBy(path, request));

    const isUncontested = or(absent(at("contested_until")), atMost(at("contested_until"), nowMs));
    // An unnamed session may have been renewed by another process, which does not name it.
    const isAlone = or(isNamedAt(path), same(at("last_heartbeat"), at("started_at")));
    const mayEnd = legacy ? legacy.mayEnd(path) : isAlone;
    const areMembers =
      portfolioKey === undefined
        ? []
        : symbols.map((symbol) => equal(sessionPath(symbol), portfolioKey));
    if (asking.is(and(isUncontested, mayEnd, ...areMembers))) {
      return leave(symbols, symbols.length === grantedSymbols);
    }

    const { license } = asking.item();
    asking.onThisVersion();
    const members = portfolioKey === undefined ? symbols : membersOf(license, portfolioKey);
    const released = symbols.filter((symbol) => members.includes(symbol));
    if (released.length === 0) return { outcome: { code: "not_held", why: why() } };
    const session = sessionAt(license, path);
    if (legacy && !asking.is(mayEnd)) return leaving(legacy, path, session, nowMs);
    // An unnamed session may have been renewed by another process, which does not name it.
    const mayBeShared = !legacy && !isNamed(session) && session.last_heartbeat > session.started_at;
    for (const name of ["lapses_at", "last_heartbeat", "confirmed"]) asking.asSeen(at(name));
    const untilMs = Math.max(session.contested_until ?? 0, mayBeShared ? session.lapses_at : 0);
    const isWhole = released.length === members.length;
    const apartKey = unusedKey(vacancyKey, license.portfolios);
    return untilMs <= nowMs
      ? leave(released, isWhole)
      : wait(session, released, isWhole ? undefined : apartKey, untilMs);
  };

  /** The next device may claim at once. */
  function leave(released: readonly string[], isWhole: boolean): Plan<ReleaseOutcome> {
    const members = portfolioKey === undefined ? [] : released.map(sessionPath);
    return ending({ set: [], remove: [...members, ...(isWhole ? [path] : [])] }, released, 0);
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
    return ending({ set, remove: [] }, released, secondsUntil(untilMs, nowMs));
  }

  function ending(
    { set, remove }: Change,
    released: readonly string[],
    waitSeconds: number,
  ): Plan<ReleaseOutcome> {
    return {
      change: { set: [...set, raisedToken], remove },
      applied: ({ before, after }) => ({
        code: "released",
        waitSeconds,
        session: sessionAt(before.license, path),
        symbols: released,
        item: after,
      }),
    };
  }
}

function isHeldBy(path: Path, { deviceFingerprint, sessionId, opening }: Release): Predicate {
  const isOfDevice = equal([...path, "device_fingerprint"], deviceFingerprint);
  if (sessionId !== undefined) return and(isOfDevice, equal([...path, "session_id"], sessionId));
  return opening
    ? isGrantOf(path, deviceFingerprint, opening)
    : and(isOfDevice, not(isNamedAt(path)));
}

function leaving(
  { attributes }: LegacyRelease,
  path: Path,
  session: Session,
  nowMs: number,
): Plan<ReleaseOutcome> {
  const marks = Object.entries(attributes).map(
    ([name, value]) => [[...path, name], value] as const,
  );
  return {
    change: { set: [...marks, raisedToken], remove: [] },
    applied: () => leftToLapse(session, nowMs),
  };
}

function leftToLapse(session: Session, nowMs: number): ReleaseOutcome {
  return { code: "left_to_lapse", waitSeconds: secondsUntilFree(session, nowMs) };
}

/** A release of nothing in particular: it never ends what another process may use. */
function unnamedRelease(license: License, request: Release): ReleaseOutcome {
  const {
    deviceFingerprint,
    symbols: [symbol = ""],
    nowMs,
  } = request;
  const entry = entryAt(license, symbol)?.entry;
  const isOwn = entry?.kind === "session" && entry.device_fingerprint === deviceFingerprint;
  return isOwn && !isNamed(entry)
    ? leftToLapse(entry, nowMs)
    : { code: "not_held", why: whyNotHeld(license, request) };
}

function whyNotHeld(license: License, { symbols: [symbol = ""], ...request }: Release): NotHeld {
  const entry = entryAt(license, symbol)?.entry;
  if (entry?.kind !== "session") return "no_session";
  if (entry.device_fingerprint !== request.deviceFingerprint) return "another_device";
  const isUnnamedRequest = request.sessionId === undefined && request.opening === undefined;
  return isUnnamedRequest ? "named_session" : "another_session";
}

/** The key of the session of several symbols that an opening was granted. */
function portfolioOf(
  license: License,
  { deviceFingerprint }: Release,
  opening: Opening,
): string | undefined {
  return Object.keys(license.portfolios ?? {}).find((key) =>
    holds(isGrantOf(portfolioPath(key), deviceFingerprint, opening), license),
  );
}
