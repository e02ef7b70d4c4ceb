import { dropLongLapsed } from "./drop-long-lapsed.ts";
import {
  freeAtMs,
  portfolioPath,
  type ResolvedEntry,
  type Session,
  type Stored,
  secondsUntil,
  secondsUntilFree,
  sessionPath,
} from "./entry.ts";
import { type Opening, placeOf } from "./holder.ts";
import {
  distinctPaths,
  type EndedCode,
  emptiedPortfolios,
  entryAt,
  isKeyInUse,
  type License,
  membersOf,
  type PlacedEntry,
  sessionAt,
  timeoutInForceMs,
} from "./license.ts";
import {
  absent,
  and,
  atLeast,
  atMost,
  equal,
  exists,
  greater,
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
import { hasSeats, seatsFor } from "./seats.ts";
import { freeKey, sessionIdAt } from "./session-id.ts";
import {
  isFree,
  isGrantOf,
  isLive,
  isNamed,
  isOfDevice,
  isUnexpired,
} from "./session-predicates.ts";

export type Claim = {
  licenseId: string;
  deviceFingerprint: string;
  /** In the caller's order, as they are stored. */
  symbols: readonly string[];
  opening: Opening | undefined;
  onlyIfFree: boolean;
  /** What the service grants, unless an earlier grant is repeated. */
  sessionId: string;
  /** Of the session of several symbols; `undefined` for a session of one. */
  portfolioKey: string | undefined;
  /** When the API received the request, epoch milliseconds. */
  nowMs: number;
  /** The timeout of a license that has none of its own. */
  sessionTimeoutMs: number;
  legacy?: LegacyClaim;
};

/** What `lambdas/legacy/` adds to a claim. */
export type LegacyClaim = {
  /** Whether the claim must not take the entry of its own device. */
  refuses(path: Path): Predicate | undefined;
  /** Attributes of the new session. */
  attributes(own: ResolvedEntry | undefined): Record<string, Assigned>;
};

export type ClaimRefusal =
  | { code: "license_unknown" | EndedCode }
  /** A late attempt: of an opening that is over, or of a session that an operator ended. */
  | { code: "claim_late" | "session_ended"; waitSeconds: number }
  /** Somebody else holds these symbols, or may believe that. */
  | { code: "session_conflict"; blocked: readonly Blocked[]; seen: Seen }
  | SeatRefusal;

export type Blocked = { symbol: string; entry: ResolvedEntry; waitSeconds: number };

export type SeatRefusal = {
  code: "session_limit";
  /** The entry whose seat frees first; `undefined` if the license has too few seats at any time. */
  first: Blocked | undefined;
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
  replaced: readonly Blocked[];
  /** What gave up its seat. */
  displaced: readonly Blocked[];
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
      const session = {
        ...newSession(request, nowMs, request.sessionTimeoutMs),
        ...request.legacy?.attributes(undefined),
      };
      return grant(request, session, { hasPortfolios: true, displaced: [], emptied: [] });
    }
    return claimOnItem(request, asking, asking.item());
  };
}

/** What a claim does that met something in its way. */
function claimOnItem(drawn: Claim, asking: Asking<ClaimOutcome>, seen: Seen): Plan<ClaimOutcome> {
  const { license, stored } = seen;
  const request = atOwnKey(drawn, license);
  const { nowMs, symbols, opening, deviceFingerprint, portfolioKey, legacy } = request;
  asking.onThisVersion();
  const placed = symbols.flatMap((symbol) => {
    const standing = entryAt(license, symbol);
    return standing ? [{ symbol, ...standing }] : [];
  });
  const own = placed.filter(({ path }) => asking.is(isOfDevice(path, deviceFingerprint)));
  const ownInUse = own.filter(({ path }) => !asking.is(isFree(path, nowMs)));

  // An earlier attempt of the SDK was applied.
  const madeAt = placeOf(request);
  if (asking.is(equal([...madeAt, "session_id"], request.sessionId))) {
    const isWhole =
      portfolioKey === undefined || membersOf(license, portfolioKey).length === symbols.length;
    // What it replaced is not known any more.
    return {
      outcome: isWhole
        ? { ...repeated(seen, madeAt), isNew: true }
        : { code: "claim_late", waitSeconds: 0 },
    };
  }
  if (asking.is(equal([...madeAt, "vacated_session_id"], request.sessionId))) {
    const isEnded = asking.is(exists([...madeAt, "ended_at"]));
    return { outcome: late(isEnded ? "session_ended" : "claim_late", placed) };
  }

  // a. The opening repeats itself: its lease begins anew.
  const [first] = placed;
  const isRepeat =
    opening !== undefined &&
    first !== undefined &&
    placed.length === symbols.length &&
    placed.every(({ path }) =>
      asking.is(
        and(
          isGrantOf(path, deviceFingerprint, opening),
          isLive(path, nowMs),
          absent([...path, "confirmed"]),
        ),
      ),
    ) &&
    placed.every(({ path }) => String(path) === String(first.path)) &&
    // With `symbol` once and with `symbols` then, its caller could not name the session.
    first.path[0] === madeAt[0];
  if (isRepeat) return renew(first.path, seen, request, asking);

  // b. A late attempt of an opening that is over.
  if (opening !== undefined) {
    const over = own.filter((each) => isOver(each, request, opening, asking));
    const isEnded = over.some(({ path }) => asking.is(exists([...path, "ended_at"])));
    if (over.length > 0) return { outcome: late(isEnded ? "session_ended" : "claim_late", over) };
  }
  const ended =
    legacy &&
    own.find(({ path }) => {
      const refused = legacy.refuses(path);
      return refused !== undefined && asking.is(refused);
    });
  if (ended) return { outcome: late("session_ended", [ended]) };

  // c, d. The entry is this device's, but it must not be taken. Or it is another device's.
  const blocked = placed.filter((each) => {
    const { path } = each;
    if (asking.is(isFree(path, nowMs))) return false;
    if (!own.includes(each)) return true;
    if (request.onlyIfFree) return true;
    return opening === undefined && asking.is(and(isLive(path, nowMs), isNamed(path)));
  });
  if (blocked.length > 0) {
    const inTheWay = blocked.map((each) => blockedBy(each, nowMs));
    return { outcome: { code: "session_conflict", blocked: inTheWay, seen } };
  }

  // Every symbol held live by its own device keeps its seats.
  const keepsSeats =
    own.length === symbols.length && own.every(({ path }) => asking.is(isLive(path, nowMs)));
  const { displaced: displacedSymbols = [], refusal } = keepsSeats
    ? {}
    : seatsFor(license, request, asking);
  if (refusal) return { outcome: refusal };

  // e. A new grant. The leases that it takes from must not be renewed in between.
  const token = Math.max(nowMs, license.fencing_token + 1);
  if (!Number.isSafeInteger(token))
    throw new Error("The fencing token of the license can't grow any more");
  const displaced = displacedSymbols.flatMap((symbol) => entryAt(license, symbol) ?? []);
  for (const path of distinctPaths([...placed, ...displaced])) asking.leaseAsSeen(path);
  // A heartbeat in the same millisecond may name a session and leave the end of its lease.
  if (opening === undefined) {
    for (const { path } of own) asking.asSeen([...path, "confirmed"]);
  }
  const lastOwn = own.at(-1)?.entry;
  const contestedUntilMs = Math.max(...ownInUse.map(({ entry }) => freeAtMs(entry)));
  const session = {
    ...newSession(request, token, timeoutInForceMs(license, request.sessionTimeoutMs)),
    ...(ownInUse.length > 0 && { contested_until: contestedUntilMs }),
    ...(lastOwn && openingOf(lastOwn)),
    ...legacy?.attributes(lastOwn),
  };
  return grant(request, session, {
    hasPortfolios: stored.portfolios !== undefined,
    displaced: displacedSymbols,
    emptied: emptiedPortfolios(license, [...symbols, ...displacedSymbols]),
  });

  function late(code: "claim_late" | "session_ended", over: readonly PlacedEntry[]): ClaimOutcome {
    const freeMs = Math.max(0, ...over.map(({ entry }) => freeAtMs(entry)));
    return { code, waitSeconds: secondsUntil(freeMs, nowMs) };
  }
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

/** A member has no `lapses_at`, so it is not free here, whatever its session is. */
function isFreeWithoutOwn(path: Path, { nowMs, deviceFingerprint }: Claim): Predicate {
  // What no version wrote names no device, and stays closed.
  const isOfSomebody = or(exists([...path, "device_fingerprint"]), exists([...path, "vacated_by"]));
  const isOther = not(isOfDevice(path, deviceFingerprint));
  return or(absent(path), and(isFree(path, nowMs), isOfSomebody, isOther));
}

/** Whether an entry of this device says that the opening is over. */
function isOver(
  { path, entry }: PlacedEntry,
  { nowMs }: Claim,
  { runId, claimNumber }: Opening,
  asking: Asking<ClaimOutcome>,
): boolean {
  const at = (name: string) => [...path, name];
  const isOfRun = equal(at("run_id"), runId);
  const isSession = exists(at("session_id"));
  const isSame = equal(at("claim_number"), claimNumber);
  const isInUse = not(isFree(path, nowMs));
  const whileInUse = or(
    and(isOfRun, isSession, isSame, isLive(path, nowMs)),
    and(isOfRun, isSession, greater(at("claim_number"), claimNumber)),
    and(isOfRun, not(isSession), atLeast(at("claim_number"), claimNumber)),
    and(equal(at("replaced_run"), runId), atLeast(at("replaced_number"), claimNumber)),
  );
  if (asking.is(and(isInUse, whileInUse))) return true;
  const endedFor = entry.kind === "vacancy" ? (entry.lease_ms ?? 0) : 0;
  return asking.is(
    and(
      greater(at("ended_at"), nowMs - endedFor),
      isOfRun,
      atLeast(at("claim_number"), claimNumber),
    ),
  );
}

/** Begins the lease anew in place: same session, same token. */
function renew(
  path: Path,
  seen: Seen,
  { nowMs }: Claim,
  asking: Asking<ClaimOutcome>,
): Plan<ClaimOutcome> {
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

type Room = {
  hasPortfolios: boolean;
  /** Symbols whose entries give up their seats. */
  displaced: readonly string[];
  /** Keys of sessions and vacancies that no symbol belongs to any more. */
  emptied: readonly string[];
};

function grant(request: Claim, session: Stored<Session>, room: Room): Plan<ClaimOutcome> {
  const { symbols, portfolioKey, nowMs } = request;
  const place =
    portfolioKey === undefined
      ? symbols.map((symbol) => [sessionPath(symbol), session] as const)
      : [
          ...symbols.map((symbol) => [sessionPath(symbol), portfolioKey] as const),
          room.hasPortfolios
            ? ([portfolioPath(portfolioKey), session] as const)
            : ([["portfolios"], { [portfolioKey]: session }] as const),
        ];
  const path = placeOf(request);
  return {
    change: {
      set: [...place, [["fencing_token"], session.fencing_token ?? nowMs]],
      remove: [...room.displaced.map(sessionPath), ...room.emptied.map(portfolioPath)],
    },
    applied: ({ before, after }) => ({
      code: "granted",
      ...after,
      session: sessionAt(after.license, path),
      isNew: true,
      replaced: standing(before.license, symbols),
      displaced: standing(before.license, room.displaced),
    }),
  };

  function standing(license: License, of: readonly string[]): Blocked[] {
    return of.flatMap((each) => {
      const there = entryAt(license, each);
      return there ? [blockedBy({ symbol: each, ...there }, nowMs)] : [];
    });
  }
}

function newSession(request: Claim, token: number, newLeaseMs: number): Stored<Session> {
  const { deviceFingerprint, sessionId, opening, nowMs } = request;
  return {
    device_fingerprint: deviceFingerprint,
    session_id: sessionId,
    fencing_token: token,
    ...(opening && { run_id: opening.runId, claim_number: opening.claimNumber }),
    started_at: nowMs,
    last_heartbeat: nowMs,
    lease_ms: newLeaseMs,
    lapses_at: nowMs + newLeaseMs,
  };
}

/** The opening that the new session replaces, for its late attempts. */
function openingOf(entry: ResolvedEntry) {
  if (entry.kind === "unreadable") return {};
  const { run_id, claim_number } = entry;
  if (run_id === undefined || claim_number === undefined) return {};
  return { replaced_run: run_id, replaced_number: claim_number };
}

function blockedBy({ symbol, entry }: PlacedEntry & { symbol: string }, nowMs: number): Blocked {
  return { symbol, entry, waitSeconds: secondsUntilFree(entry, nowMs) };
}
