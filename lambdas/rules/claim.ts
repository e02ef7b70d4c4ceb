import { dropLongLapsed } from "./drop-long-lapsed.ts";
import { portfolioPath, type ResolvedEntry, type Session, sessionPath } from "./entry.ts";
import { firstGrant, newGrant } from "./grant.ts";
import { lateAttempt, tooLate } from "./late-attempt.ts";
import {
  isKeyInUse,
  type License,
  type LicenseCode,
  membersOf,
  type Standing,
  sessionAt,
  standing,
  timeoutInForceMs,
} from "./license.ts";
import {
  absent,
  and,
  atMost,
  equal,
  exists,
  holds,
  less,
  not,
  or,
  type Path,
  type Predicate,
} from "./predicate.ts";
import {
  type Asking,
  type Assigned,
  carryOut,
  type Database,
  type Plan,
  type Rule,
  runOn,
  type Seen,
} from "./rule-run.ts";
import { hasSeats } from "./seats.ts";
import { freeKey, sessionIdAt } from "./session-id.ts";
import {
  isFree,
  isGrantOf,
  isLive,
  isNamed,
  isOfDevice,
  isUnexpired,
} from "./session-predicates.ts";
import { type Opening, placeOf, type SessionRequest } from "./session-request.ts";

/** `sessionId` is what the service grants, unless an earlier grant is repeated. */
export type Claim = SessionRequest & {
  sessionId: string;
  opening: Opening | undefined;
  onlyIfFree: boolean;
  /** The timeout of a license that has none of its own. */
  sessionTimeoutMs: number;
  legacy?: LegacyClaim;
};

/** What `lambdas/legacy/` adds to a claim, which then has no `opening`. */
export type LegacyClaim = {
  /** Whether the claim must not take the entry of its own device. */
  refuses?(path: Path): Predicate;
  /** Attributes of the new session. */
  attributes(own: ResolvedEntry | undefined): Record<string, Assigned>;
};

export type ClaimRefusal =
  | { code: LicenseCode }
  /** A late attempt: of an opening that is over, or of a session that an operator ended. */
  | { code: "claim_late" | "session_ended"; waitSeconds: number }
  | Conflict
  | SeatRefusal;

/** Somebody else holds these symbols, or may believe that. */
export type Conflict = {
  code: "session_conflict";
  blocked: readonly [Standing, ...Standing[]];
  seen: Seen;
};

export type SeatRefusal = {
  code: "session_limit";
  /** The entry whose seat frees first; `undefined` if the license has too few seats at any time. */
  first: Standing | undefined;
  /** The symbols that use the seats. */
  inUse: readonly { symbol: string; isOwn: boolean }[];
  maxSessions: number;
  wantedSeats: number;
};

export type Granted = {
  code: "granted";
  license: License;
  /** The item as it is stored now. */
  stored: Seen["stored"];
  session: Session;
  /** False if an earlier attempt had made the grant: this one renewed it at most. */
  isNew: boolean;
  /** What stood for the symbols before. */
  replaced: readonly Standing[];
  /** What gave up its seat. */
  displaced: readonly Standing[];
};

export type ClaimOutcome = Granted | ClaimRefusal;

export type CheckOutcome = { code: "available"; license: License; leaseMs: number } | ClaimRefusal;

/**
 * Claims the session of one symbol, or one session of several, by one conditional write where
 * nothing of the caller's own device and nothing lapsed stands in the way, else by two.
 *
 * @throws any error of the database
 */
export async function claim(database: Database, request: Claim): Promise<ClaimOutcome> {
  const outcome = await carryOut(database, request.licenseId, claimRule(request));
  if (outcome.code !== "granted" || !outcome.isNew) return outcome;
  const license = await dropLongLapsed(database, outcome, request.nowMs);
  return { ...outcome, license };
}

/** Reports, by one read, what the claim would meet. */
export async function checkClaim(database: Database, request: Claim): Promise<CheckOutcome> {
  const seen = await database.get(request.licenseId);
  const { plan } = runOn(seen, claimRule(request));
  if (!plan.change && plan.outcome.code !== "granted") return plan.outcome;
  if (!seen) throw new Error("A license that is not there can't be available");
  return {
    code: "available",
    license: seen.license,
    leaseMs: timeoutInForceMs(seen.license, request.sessionTimeoutMs),
  };
}

function claimRule(request: Claim): Rule<ClaimOutcome> {
  return (asking) => {
    const { nowMs, symbols, portfolioKey } = request;
    const status: Path = ["status"];
    asking.must(() => ({ code: "license_unknown" }), exists(["license_id"]));
    asking.must(() => ({ code: "license_cancelled" }), not(equal(status, "cancelled")));
    asking.must(() => ({ code: "license_suspended" }), equal(status, "active"));
    asking.must(() => ({ code: "license_expired" }), isUnexpired(nowMs));

    const everyIsFree =
      portfolioKey === undefined
        ? symbols.map((symbol) => isFreeWithoutOwn(sessionPath(symbol), request))
        : [
            exists(["portfolios"]),
            absent(portfolioPath(portfolioKey)),
            ...symbols.map((symbol) => absent(sessionPath(symbol))),
          ];
    const tokenIsBehind = or(absent(["fencing_token"]), less(["fencing_token"], nowMs));
    const timeoutIsCommon = absent(["session_timeout_seconds"]);
    if (asking.is(and(...everyIsFree, hasSeats(symbols), timeoutIsCommon, tokenIsBehind))) {
      return firstGrant(request);
    }
    return claimOnItem(request, asking, asking.item());
  };
}

/** A member has no `lapses_at`, so it is not free here, whatever its session is. */
function isFreeWithoutOwn(path: Path, { nowMs, deviceFingerprint }: Claim): Predicate {
  // What no version wrote names no device, and stays closed.
  const isOfSomebody = or(exists([...path, "device_fingerprint"]), exists([...path, "vacated_by"]));
  const isOther = not(isOfDevice(path, deviceFingerprint));
  return or(absent(path), and(isFree(path, nowMs), isOfSomebody, isOther));
}

/** A claim, and what it met in its way. What it asks from here on is of this version of the item. */
export type Met = {
  request: Claim;
  asking: Asking<ClaimOutcome>;
  seen: Seen;
  /** What stands for its symbols, in their order. */
  placed: readonly Standing[];
  /** That of its own device. */
  own: readonly Standing[];
};

/** `undefined` leaves it to the next. */
export type Decided = Plan<ClaimOutcome> | undefined;

/** What a claim does that met something in its way: what the first of these that decides says. */
function claimOnItem(drawn: Claim, asking: Asking<ClaimOutcome>, seen: Seen): Plan<ClaimOutcome> {
  asking.onThisVersion();
  const request = atOwnKey(drawn, seen.license);
  const placed = standing(seen.license, request.symbols);
  const own = placed.filter(({ path }) => asking.is(isOfDevice(path, request.deviceFingerprint)));
  const met = { request, asking, seen, placed, own };
  return madeBefore(met) ?? repeat(met) ?? lateAttempt(met) ?? conflict(met) ?? newGrant(met);
}

/** The claim at the first key, from the one that was drawn, that no other grant uses. */
function atOwnKey(request: Claim, license: License): Claim {
  const { portfolioKey: drawn, sessionId } = request;
  if (drawn === undefined) return request;
  const portfolioKey = freeKey(drawn, (key) => {
    const at = (name: string) => [...portfolioPath(key), name];
    const own = sessionIdAt(sessionId, key);
    const isOwn = or(equal(at("session_id"), own), equal(at("vacated_session_id"), own));
    return isKeyInUse(license, key) && !holds(isOwn, license);
  });
  return { ...request, portfolioKey, sessionId: sessionIdAt(sessionId, portfolioKey) };
}

/** An earlier attempt of the SDK was applied. */
function madeBefore(met: Met): Decided {
  const { request, asking, seen, placed } = met;
  const { symbols, portfolioKey } = request;
  const madeAt = placeOf(request);
  if (asking.is(equal([...madeAt, "session_id"], request.sessionId))) {
    const isWhole =
      portfolioKey === undefined || membersOf(seen.license, portfolioKey).length === symbols.length;
    // What it replaced is not known any more.
    if (isWhole) return { outcome: { ...repeated(seen, madeAt), isNew: true } };
    return { outcome: { code: "claim_late", waitSeconds: 0 } };
  }
  return asking.is(equal([...madeAt, "vacated_session_id"], request.sessionId))
    ? tooLate(met, placed, asking.is(exists([...madeAt, "ended_at"])))
    : undefined;
}

/** The opening repeats itself: its lease begins anew. */
function repeat(met: Met): Decided {
  const { request, asking, placed } = met;
  const { symbols, opening, deviceFingerprint, nowMs } = request;
  const [first] = placed;
  if (!opening || !first || placed.length !== symbols.length) return undefined;
  const { path } = first;
  const isOneSession = placed.every((each) => String(each.path) === String(path));
  // With `symbol` once and with `symbols` then, its caller could not name the session.
  const isNamedAlike = path[0] === placeOf(request)[0];
  const isUnconfirmed = and(
    isGrantOf(path, deviceFingerprint, opening),
    isLive(path, nowMs),
    absent([...path, "confirmed"]),
  );
  return isOneSession && isNamedAlike && asking.is(isUnconfirmed) ? renew(path, met) : undefined;
}

/** Begins the lease anew in place: same session, same token. */
function renew(path: Path, { request: { nowMs }, asking, seen }: Met): Plan<ClaimOutcome> {
  if (!asking.is(atMost([...path, "last_heartbeat"], nowMs)))
    return { outcome: repeated(seen, path) };
  for (const name of ["session_id", "confirmed", "lapses_at"]) asking.asSeen([...path, name]);
  return {
    change: {
      set: [
        [[...path, "last_heartbeat"], nowMs],
        [[...path, "lapses_at"], { kind: "sum", path: [...path, "lease_ms"], plus: nowMs }],
      ],
      remove: [],
    },
    applied: ({ after }) => repeated(after, path),
  };
}

function repeated(item: Seen, path: Path): Granted {
  const session = sessionAt(item.license, path);
  return { code: "granted", ...item, session, isNew: false, replaced: [], displaced: [] };
}

/** The entry is this device's, but it must not be taken. Or it is another device's. */
function conflict({ request, asking, seen, placed, own }: Met): Decided {
  const { nowMs, opening } = request;
  const [first, ...others] = placed.filter((each) => {
    const { path } = each;
    if (asking.is(isFree(path, nowMs))) return false;
    if (!own.includes(each)) return true;
    if (request.onlyIfFree) return true;
    return opening === undefined && asking.is(and(isLive(path, nowMs), isNamed(path)));
  });
  if (!first) return undefined;
  return { outcome: { code: "session_conflict", blocked: [first, ...others], seen } };
}
