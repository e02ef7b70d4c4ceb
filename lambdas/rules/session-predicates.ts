import {
  absent,
  and,
  atMost,
  equal,
  exists,
  greater,
  less,
  not,
  or,
  type Path,
  type Predicate,
} from "./predicate.ts";
import type { Opening, SessionRequest } from "./session-request.ts";

export function isUnexpired(nowMs: number): Predicate {
  return or(absent(["license_expiration"]), greater(["license_expiration"], nowMs));
}

// last_heartbeat        lapses_at    contested_until, if that is later
//       |---- live ------|---- lapsed ----|---- free ---->
/** Whether another device may claim it. `freeAtMs` says of an entry when that is. */
export function isFree(path: Path, nowMs: number): Predicate {
  const contested = [...path, "contested_until"];
  return and(
    atMost([...path, "lapses_at"], nowMs),
    or(absent(contested), atMost(contested, nowMs)),
  );
}

export function isLive(path: Path, nowMs: number): Predicate {
  return and(exists([...path, "session_id"]), greater([...path, "lapses_at"], nowMs));
}

export function isOfDevice(path: Path, device: string): Predicate {
  return or(equal([...path, "device_fingerprint"], device), equal([...path, "vacated_by"], device));
}

/** A live session that a note would reach: a heartbeat that names it answers with the note. */
export function canBeAsked(path: Path, nowMs: number): Predicate {
  return and(isLive(path, nowMs), isNamed(path));
}

/** Another device has asked for it, and the note stands. */
export function isAsked(path: Path, nowMs: number): Predicate {
  return and(canBeAsked(path, nowMs), greater([...path, "asked", "until"], nowMs));
}

/** A heartbeat's answer has carried the note. */
export function isToldOf(path: Path, nowMs: number): Predicate {
  const at = (...names: string[]) => [...path, ...names];
  return and(
    isAsked(path, nowMs),
    exists(at("confirmed")),
    greater(at("last_heartbeat"), at("asked", "met")),
    less(at("last_heartbeat"), at("asked", "until")),
  );
}

/** The holder has answered that it keeps the session. */
export function isKept(path: Path, nowMs: number): Predicate {
  return and(canBeAsked(path, nowMs), greater([...path, "kept_until"], nowMs));
}

/** An operator ended it: what remains of a session of this device. */
export function isEndedOf(path: Path, device: string): Predicate {
  return and(equal([...path, "vacated_by"], device), exists([...path, "ended_at"]));
}

/** A heartbeat or release without `session_id` never touches a named session. */
export function isNamed(path: Path): Predicate {
  return or(exists([...path, "run_id"]), exists([...path, "confirmed"]));
}

/**
 * No process can be using the session but the one that names it. An unnamed session may have been
 * renewed by another, which does not name it; entries of earlier versions show that only by their time.
 */
export function isAlone(path: Path): Predicate {
  const at = (name: string) => [...path, name];
  const isNew = and(absent(at("renewed")), equal(at("last_heartbeat"), at("started_at")));
  return or(isNamed(path), isNew);
}

/** A session that was granted to this opening. */
export function isGrantOf(path: Path, device: string, opening: Opening): Predicate {
  return and(
    equal([...path, "device_fingerprint"], device),
    equal([...path, "run_id"], opening.runId),
    equal([...path, "claim_number"], opening.claimNumber),
  );
}

/** A session that the caller holds: as it names it, or else one that nobody names. */
export function isHeldBy(
  path: Path,
  { deviceFingerprint, sessionId }: Pick<SessionRequest, "deviceFingerprint" | "sessionId">,
): Predicate {
  const isHeldByDevice = equal([...path, "device_fingerprint"], deviceFingerprint);
  return sessionId === undefined
    ? and(isHeldByDevice, not(isNamed(path)))
    : and(isHeldByDevice, equal([...path, "session_id"], sessionId));
}
