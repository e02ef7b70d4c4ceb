import { freeAtMs, leaseMs, type Session, type StoredReport, sessionPath } from "./entry.ts";
import {
  type EndedCode,
  endedCode,
  entryAt,
  type License,
  type LicenseCode,
  membersOf,
  sessionAt,
  timeoutInForceMs,
} from "./license.ts";
import {
  and,
  atMost,
  exists,
  holds,
  type Path,
  type Predicate,
  textAt,
  valueAt,
} from "./predicate.ts";
import { type Assigned, carryOut, type Database, type Rule } from "./rule-run.ts";
import { isAlone, isEndedOf, isHeldBy, isNamed, isOfDevice } from "./session-predicates.ts";
import { placeOf, type SessionRequest } from "./session-request.ts";

export type Heartbeat = SessionRequest & {
  report: StoredReport;
  /** The timeout in force, for entries that have no `lease_ms`. */
  sessionTimeoutMs: number;
  /** Another device has asked for the session, and this lease is kept. */
  keep: boolean;
};

/** `entry` stands in its place: another device's session, or a later one of this device. */
export type Loss = { symbol: string } & (
  | { code: "session_taken" | "session_replaced"; entry: Session }
  | { code: "session_ended" }
  /** Nobody holds the symbol; it may still be kept for the device that held it last. */
  | { code: "session_not_found" }
);

export type Recorded = {
  license: License;
  session: Session;
  /** What the heartbeat found. */
  before: { lastHeartbeatMs: number; askedBy: string | undefined };
};

export type HeartbeatOutcome =
  | ({ code: "recorded" } & Recorded)
  /** Recorded, although the license has ended. */
  | { code: "recorded_on_ended_license"; ended: EndedCode }
  /** Of several symbols some, or none, are held any more. */
  | ({
      code: "partly_recorded";
      held: readonly string[];
      lost: readonly [Loss, ...Loss[]];
    } & Recorded)
  | { code: LicenseCode }
  | { code: "lost"; lost: readonly [Loss, ...Loss[]] }
  | { code: "heartbeat_late" };

/**
 * Renews the lease of the caller's session from `nowMs`, in one conditional write. A lapsed session
 * that nobody has taken is revived. A session that no longer exists is never created again.
 *
 * On an ended license the lease is renewed as well: the returned item then shows that it has ended.
 *
 * @throws any error of the database
 */
export function heartbeat(database: Database, request: Heartbeat): Promise<HeartbeatOutcome> {
  return carryOut(database, request.licenseId, heartbeatRule(request));
}

function heartbeatRule(request: Heartbeat): Rule<HeartbeatOutcome> {
  const { nowMs, sessionTimeoutMs, sessionId, report } = request;
  return (asking) => {
    const path = placeOf(request);
    const at = (name: string) => [...path, name];
    // A heartbeat that can't be written names the license's end before the session's.
    const refusal = (outcome: (license: License) => HeartbeatOutcome): HeartbeatOutcome => {
      if (!asking.seen) return { code: "license_unknown" };
      const { license } = asking.seen;
      const ended = endedCode(license, nowMs);
      return ended ? { code: ended } : outcome(license);
    };
    const lost = (license: License) =>
      ({ code: "lost", lost: lossesOf(license, request, request.symbols) }) as const;
    const late = () => ({ code: "heartbeat_late" }) as const;
    asking.must(() => refusal(lost), isHeldBy(path, request));
    asking.must(() => refusal(late), atMost(at("last_heartbeat"), nowMs));

    const set: [Path, Assigned][] = [[at("last_heartbeat"), nowMs]];
    for (const [name, value] of Object.entries(report)) {
      if (value !== undefined) set.push([at(name), value]);
    }
    // Either leaves a trace, also in the millisecond of the claim.
    set.push([at(sessionId === undefined ? "renewed" : "confirmed"), true]);
    let lapsesAt: Assigned = { kind: "sum", path: at("lease_ms"), plus: nowMs };
    const hasLease = exists(at("lease_ms"));
    if (!asking.is(sessionId === undefined ? hasLease : and(hasLease, isNamed(path)))) {
      const session = sessionAt(asking.item().license, path);
      const inForceMs = timeoutInForceMs(asking.item().license, sessionTimeoutMs);
      const isLonger = session.lapses_at > nowMs + inForceMs;
      const lease = session.lease_ms ?? (isLonger ? leaseMs(session) : inForceMs);
      lapsesAt = nowMs + lease;
      set.push([at("lease_ms"), lease]);
      // Another process, which does not name the session, may have renewed it.
      if (sessionId !== undefined && !asking.is(isAlone(path))) {
        set.push([at("contested_until"), freeAtMs(session)]);
      }
      for (const name of changedByHeartbeats) asking.asSeen(at(name));
    }
    set.push([at("lapses_at"), lapsesAt]);
    if (request.keep) set.push([at("kept_until"), lapsesAt]);
    // A heartbeat takes back that a legacy bot has left the session.
    const remove = [at("left"), ...(request.keep ? [at("asked")] : [])];
    return {
      change: { set, remove },
      applied({ before, after }) {
        const recorded = {
          license: after.license,
          session: sessionAt(after.license, path),
          before: {
            lastHeartbeatMs: Number(valueAt(before.stored, at("last_heartbeat"))),
            askedBy: textAt(before.stored, [...at("asked"), "device"]),
          },
        };
        const ended = endedCode(after.license, nowMs);
        if (ended) return { code: "recorded_on_ended_license", ended };
        const held = heldSymbols(after.license, request);
        const gone = request.symbols.filter((symbol) => !held.includes(symbol));
        if (gone.length === 0) return { code: "recorded", ...recorded };
        return {
          code: "partly_recorded",
          held,
          lost: lossesOf(after.license, request, gone),
          ...recorded,
        };
      },
    };
  };
}

/** What a write pins that relies on no heartbeat coming in between. */
export const changedByHeartbeats = ["last_heartbeat", "lapses_at", "confirmed"];

/** The symbols of the request that the session still has. */
function heldSymbols(license: License, { symbols, portfolioKey }: Heartbeat): readonly string[] {
  if (portfolioKey === undefined) return symbols;
  const members = membersOf(license, portfolioKey);
  return symbols.filter((symbol) => members.includes(symbol));
}

function lossesOf(
  license: License,
  request: Heartbeat,
  [first = "", ...others]: readonly string[],
): [Loss, ...Loss[]] {
  const loss = (symbol: string) => lossOf(license, request, symbol);
  return [loss(first), ...others.map(loss)];
}

function lossOf(license: License, request: Heartbeat, symbol: string): Loss {
  const { path = sessionPath(symbol), entry } = entryAt(license, symbol) ?? {};
  const is = (predicate: Predicate) => holds(predicate, license);
  if (is(isEndedOf(path, request.deviceFingerprint))) return { symbol, code: "session_ended" };
  // One that is held was named for the wrong symbols, or without `symbols`.
  if (entry?.kind !== "session" || is(isHeldBy(path, request))) {
    return { symbol, code: "session_not_found" };
  }
  const isOwn = is(isOfDevice(path, request.deviceFingerprint));
  return { symbol, code: isOwn ? "session_replaced" : "session_taken", entry };
}
