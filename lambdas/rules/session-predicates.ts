import type { Opening } from "./holder.ts";
import {
  absent,
  and,
  atMost,
  equal,
  exists,
  greater,
  or,
  type Path,
  type Predicate,
} from "./predicate.ts";

export function isUnexpired(nowMs: number): Predicate {
  return or(absent(["license_expiration"]), greater(["license_expiration"], nowMs));
}

// last_heartbeat        lapses_at    contested_until, if that is later
//       |---- live ------|---- lapsed ----|---- free ---->
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

/** A heartbeat or release without `session_id` never touches a named session. */
export function isNamedAt(path: Path): Predicate {
  return or(exists([...path, "run_id"]), exists([...path, "confirmed"]));
}

/** A session that was granted to this opening. */
export function isGrantOf(path: Path, device: string, opening: Opening): Predicate {
  return and(
    equal([...path, "device_fingerprint"], device),
    equal([...path, "run_id"], opening.runId),
    equal([...path, "claim_number"], opening.claimNumber),
  );
}
