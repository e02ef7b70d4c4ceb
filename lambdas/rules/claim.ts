import type { ConditionalUpdate, SessionTable } from "../store/table.ts";
import { isEarlierClaim } from "./claim-order.ts";
import { dropLongLapsed } from "./drop-long-lapsed.ts";
import type { Caller } from "./holder.ts";
import { type EndedCode, endedCode, type License } from "./license.ts";
import { removalOf } from "./removal.ts";
import {
  deviceOf,
  type Entry,
  freeAtMs,
  isSession,
  isVacancy,
  type LeaseTime,
  leaseFrom,
  type Session,
  type StoredReport,
  secondsUntilFree,
} from "./session.ts";

/**
 * A claim. All attempts at it share `claimId`, which becomes the `session_id` once it is granted.
 */
export type Claim = Caller & {
  claimId: string;
  /** Stored with the session if a heartbeat makes the claim. */
  report?: StoredReport;
  kind: ClaimKind;
};

type ClaimKind =
  | "claim"
  /** Made by a legacy bot. An earlier copy of the bot may still be waiting on the same device. */
  | "legacy claim"
  /**
   * Made by a heartbeat of a legacy bot. It must not revive a session that an operator ended, and
   * there is no telling how many copies of the bot are running.
   */
  | "heartbeat";

export type ClaimRefusal =
  | { code: "license_unknown" | EndedCode }
  | { code: "session_ended" }
  | {
      /** Another device holds the symbol, or every seat of the license is taken. */
      code: "session_conflict" | "session_limit";
      /**
       * The device that holds the symbol or, if no seat is free, the one whose seat frees first.
       */
      blockedBy: string;
      waitSeconds: number;
    };

export type ClaimOutcome =
  | {
      code: "granted";
      license: License;
      session: Session;
      /** False if an earlier attempt had already made the claim, so that this one wrote nothing. */
      written: boolean;
      /** The entry that the claim replaced, for the history. */
      replaced?: Entry;
      displaced: readonly DisplacedEntry[];
    }
  | ClaimRefusal;

export type CheckOutcome = { code: "available"; license: License } | ClaimRefusal;

type DisplacedEntry = readonly [symbol: string, Entry];

/**
 * Claims the session in one conditional write. A second write is needed to replace a live session of
 * the same device, or to make room on a full license. Losing a race to a rival costs one more
 * write.
 *
 * If the claim finds its own id stored, an earlier attempt was applied: it is granted and writes
 * nothing. The lease, and with it the right to the session, starts at that earlier attempt.
 *
 * @throws any SDK error except the failed condition
 */
export async function claim(
  table: SessionTable,
  request: Claim,
  time: LeaseTime,
  signal: AbortSignal,
): Promise<ClaimOutcome> {
  let way: Way = {};
  for (let rivals = 0; rivals <= mostRivals; rivals++) {
    const result = await table.update(claimUpdate(request, time, way), signal);
    if (result.applied) {
      const kept =
        request.kind === "heartbeat"
          ? result.license
          : await dropLongLapsed(table, result.license, time.nowMs, signal);
      return {
        code: "granted",
        // Another claim may have raised the token between the two writes.
        license: { ...kept, fencing_token: result.license.fencing_token },
        session: grantedSession(request, time),
        written: true,
        ...(way.replaces && { replaced: way.replaces }),
        displaced: way.displaces?.entries ?? [],
      };
    }
    const judgement = judgeClaim(result.refusedBy, request, time.nowMs);
    if (judgement.code === "granted") {
      // Started at this very instant: this call's write, retried by the SDK.
      const written = judgement.session.started_at === time.nowMs;
      return { ...judgement, written, displaced: [] };
    }
    if (judgement.code !== "available") return judgement;
    way = judgement.way;
  }
  throw new Error("A claim was refused more often than rivals can explain");
}

/**
 * After the first write, a refusal means that a rival was faster. A license has at most 100 seats.
 */
const mostRivals = 100;

/** Reports, by one read, whether a claim would be granted. */
export async function checkClaim(
  table: SessionTable,
  request: Claim,
  { nowMs }: LeaseTime,
  signal: AbortSignal,
): Promise<CheckOutcome> {
  const judgement = judgeClaim(await table.get(request.licenseId, signal), request, nowMs);
  return judgement.code === "granted"
    ? { code: "available", license: judgement.license }
    : judgement;
}

/** How a claim gets its entry and its seat. What it has read must still hold when it writes. */
type Way = {
  /**
   * The symbol's entry, if the same device holds it or held it last. Absent if the symbol is free.
   */
  replaces?: Entry;
  /** On a full license: lapsed entries of other symbols, which the claim removes to get a seat. */
  displaces?: { license: License; entries: readonly DisplacedEntry[] };
};

/** The rules of a claim as a condition. `judgeClaim` explains its refusals: change both together. */
function claimUpdate(request: Claim, time: LeaseTime, way: Way): ConditionalUpdate {
  const active = "#status = :active";
  const unexpired = "(attribute_not_exists(license_expiration) OR license_expiration > :now)";
  // Only an item edited by hand reaches this limit, beyond which adding 1 may change nothing.
  const countable = "(attribute_not_exists(fencing_token) OR fencing_token < :last_token)";
  const entry = entryCondition(request, way);
  const seat = seatUpdate(way, time.nowMs);
  return {
    licenseId: request.licenseId,
    update: `SET sessions.#symbol = :session, fencing_token = if_not_exists(fencing_token, :zero) + :one${seat.remove}`,
    condition: [active, unexpired, countable, entry.condition, seat.condition]
      .filter((part) => part !== undefined)
      .join(" AND "),
    names: { "#status": "status", "#symbol": request.sessionSymbol, ...seat.names },
    values: {
      ":active": "active",
      ":now": time.nowMs,
      ":last_token": Number.MAX_SAFE_INTEGER,
      ":session": {
        ...grantedSession(request, time),
        ...(way.replaces
          ? { contested_until: freeAtMs(way.replaces) }
          : request.kind === "heartbeat" && { contested_until: time.nowMs }),
      },
      ":zero": 0,
      ":one": 1,
      ...entry.values,
      ...seat.values,
    },
  };
}

function entryCondition(request: Claim, { replaces }: Way) {
  const vacancyNotEnded = "attribute_not_exists(sessions.#symbol.ended)";
  if (replaces) {
    // The lease must be the one that was read: a renewed one would be contested for longer.
    const seenId = isSession(replaces) ? { ":seen_id": replaces.session_id } : undefined;
    const sameClaim = seenId
      ? "sessions.#symbol.session_id = :seen_id"
      : "sessions.#symbol.vacated_by = :own";
    // An operator may end the session between the two writes of a heartbeat.
    const stillEnds = request.kind === "heartbeat" ? ` AND ${vacancyNotEnded}` : "";
    return {
      condition: `${sameClaim} AND sessions.#symbol.lapses_at = :seen_lapses_at${stillEnds}`,
      values: {
        ":seen_lapses_at": replaces.lapses_at,
        ...(seenId ?? { ":own": request.deviceFingerprint }),
      },
    };
  }
  // last_heartbeat        lapses_at    contested_until, if that is later
  //       |---- live ------|---- lapsed ----|---- free ---->
  const absent = "attribute_not_exists(sessions.#symbol)";
  const uncontested =
    "(attribute_not_exists(sessions.#symbol.contested_until) OR sessions.#symbol.contested_until <= :now)";
  const over = `sessions.#symbol.lapses_at <= :now AND ${uncontested}`;
  const notEnded = `(${vacancyNotEnded} OR sessions.#symbol.vacated_by <> :device)`;
  const notOwn =
    "(attribute_not_exists(sessions.#symbol.device_fingerprint) OR sessions.#symbol.device_fingerprint <> :device)";
  return {
    condition: {
      claim: `(${absent} OR (${over}))`,
      "legacy claim": `(${absent} OR (${over} AND ${notOwn}))`,
      heartbeat: `(${absent} OR (${over} AND ${notEnded}))`,
    }[request.kind],
    values: request.kind === "claim" ? {} : { ":device": request.deviceFingerprint },
  };
}

type SeatUpdate = {
  condition?: string;
  remove: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
};

function seatUpdate({ replaces, displaces }: Way, nowMs: number): SeatUpdate {
  if (displaces) return displacement(displaces);
  // A live session keeps its seat even if an operator has since reduced the number of seats.
  if (replaces && nowMs < freeAtMs(replaces)) return { remove: "", names: {}, values: {} };
  return {
    // Taking over an existing entry needs no additional seat, unless the seats were reduced.
    condition:
      "(size(sessions) < max_sessions OR (attribute_exists(sessions.#symbol) AND size(sessions) <= max_sessions))",
    remove: "",
    names: {},
    values: {},
  };
}

/**
 * Makes room in the same write. The condition is that there are no more entries and no fewer seats
 * than were counted, and that the removed entries are still lapsed.
 */
function displacement({ license, entries }: NonNullable<Way["displaces"]>): SeatUpdate {
  const { update, condition, names, values } = removalOf(entries);
  return {
    remove: ` ${update}`,
    condition: [
      "size(sessions) <= :entries_seen",
      "max_sessions >= :max_sessions_seen",
      condition,
    ].join(" AND "),
    names,
    values: {
      ...values,
      ":entries_seen": Object.keys(license.sessions).length,
      ":max_sessions_seen": license.max_sessions,
    },
  };
}

function grantedSession(
  { claimId, deviceFingerprint, report }: Claim,
  { nowMs, sessionTimeoutMs }: LeaseTime,
): Session {
  const reported = Object.entries(report ?? {}).filter(([, value]) => value !== undefined);
  return {
    device_fingerprint: deviceFingerprint,
    session_id: claimId,
    started_at: nowMs,
    ...leaseFrom(nowMs, sessionTimeoutMs),
    ...Object.fromEntries(reported),
  };
}

type Judgement =
  | { code: "granted"; license: License; session: Session }
  | { code: "available"; license: License; way: Way }
  | ClaimRefusal;

function judgeClaim(license: License | undefined, request: Claim, nowMs: number): Judgement {
  if (!license) return { code: "license_unknown" };

  const ended = endedCode(license, nowMs);
  if (ended) return { code: ended };
  if (license.fencing_token >= Number.MAX_SAFE_INTEGER) {
    throw new Error("The fencing token of the license can't grow any more");
  }

  const { [request.sessionSymbol]: current, ...others } = license.sessions;
  if (current) {
    const sameDevice = deviceOf(current) === request.deviceFingerprint;
    if (sameDevice && isSession(current) && current.session_id === request.claimId) {
      // Once the lease of the earlier attempt is over, this attempt needs a new one.
      if (nowMs < current.lapses_at) return { code: "granted", license, session: current };
    }
    if (sameDevice && isVacancy(current) && request.kind === "heartbeat" && current.ended) {
      return { code: "session_ended" };
    }
    if (nowMs < freeAtMs(current)) {
      return sameDevice && !isLateAttempt(request.claimId, current)
        ? { code: "available", license, way: { replaces: current } }
        : blocked("session_conflict", current);
    }
  }

  const way: Way = {};
  const isOwn = current && isSession(current) && deviceOf(current) === request.deviceFingerprint;
  // Marks the session as shared: an earlier copy of the bot may be waiting for the market to open.
  if (isOwn && request.kind === "legacy claim") way.replaces = current;

  const surplus = Object.keys(others).length + 1 - license.max_sessions;
  if (surplus <= 0) return { code: "available", license, way };
  const freeFirst = Object.entries(others).sort(([, a], [, b]) => freeAtMs(a) - freeAtMs(b));
  const entries = freeFirst.slice(0, surplus);
  const lastToBeFree = entries.at(-1)?.[1];
  if (!lastToBeFree || entries.length < surplus) {
    throw new Error(`A license can't have ${license.max_sessions} seats`);
  }
  return nowMs < freeAtMs(lastToBeFree)
    ? blocked("session_limit", lastToBeFree)
    : { code: "available", license, way: { ...way, displaces: { license, entries } } };

  function blocked(code: "session_conflict" | "session_limit", entry: Entry): ClaimRefusal {
    const device = deviceOf(entry);
    if (device === undefined) throw new Error("An entry of the license can't be read");
    return { code, blockedBy: device, waitSeconds: secondsUntilFree(entry, nowMs) };
  }
}

/** A late attempt must not restart a claim that is over, or end a later claim of its process. */
function isLateAttempt(claimId: string, current: Entry): boolean {
  if (isSession(current)) return isEarlierClaim(claimId, current.session_id);
  const overId = isVacancy(current) ? current.vacated_session_id : undefined;
  return overId !== undefined && (claimId === overId || isEarlierClaim(claimId, overId));
}
