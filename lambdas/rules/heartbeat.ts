import type { ConditionalUpdate, SessionTable } from "../store/table.ts";
import { type Holder, holderCondition, sessionHeldBy } from "./holder.ts";
import { type EndedCode, endedCode, type License } from "./license.ts";
import {
  type Entry,
  isSession,
  isVacancy,
  type LeaseTime,
  leaseFrom,
  type Session,
  type StoredReport,
} from "./session.ts";

export type HeartbeatOutcome =
  | { code: "recorded"; license: License }
  /** Recorded, although the license has ended. */
  | { code: EndedCode; recorded: true }
  | HeartbeatRefusal;

type HeartbeatRefusal =
  | { code: "license_unknown" | EndedCode; recorded: false }
  | { code: "session_taken"; entry: Session }
  | { code: "session_replaced" | "session_ended" | "heartbeat_late" }
  /** Nobody holds the symbol; it may still be kept for the device that held it last. */
  | { code: "session_not_found"; entry: Entry | undefined };

/**
 * Renews the lease of the caller's session from `nowMs`, in one conditional write. A lapsed session
 * that nobody has taken is revived. A session that no longer exists is never created again.
 *
 * On an ended license the lease is renewed as well: the returned item then shows that it has ended,
 * without a second call.
 *
 * @throws any SDK error except the failed condition
 */
export async function heartbeat(
  table: SessionTable,
  holder: Holder,
  report: StoredReport,
  time: LeaseTime,
  signal: AbortSignal,
): Promise<HeartbeatOutcome> {
  let lease: Lease = "renewed";
  for (let rivals = 0; rivals <= mostRivals; rivals++) {
    const result = await table.update(heartbeatUpdate(holder, report, time, lease), signal);
    if (result.applied) {
      const ended = endedCode(result.license, time.nowMs);
      return ended
        ? { code: ended, recorded: true }
        : { code: "recorded", license: result.license };
    }
    const judgement = explainRefusal(result.refusedBy, holder, time);
    if (judgement.code !== "held") return judgement;
    lease = judgement.lease;
  }
  throw new Error("A heartbeat was refused more often than rivals can explain");
}

/** Only other processes of the same device move a session between a refusal and the next write. */
const mostRivals = 3;

/** `kept`: the lease ends no earlier, because it was granted before the timeout was shortened. */
type Lease = "renewed" | "kept";

/**
 * The condition is that the caller still holds the session and that neither its timer nor the end
 * of its lease would move back. Equal times pass, so that a write whose answer was lost succeeds
 * when the SDK retries it. `explainRefusal` explains its refusals: change both together.
 */
function heartbeatUpdate(
  holder: Holder,
  report: StoredReport,
  { nowMs, sessionTimeoutMs }: LeaseTime,
  lease: Lease,
): ConditionalUpdate {
  const { last_heartbeat, lapses_at } = leaseFrom(nowMs, sessionTimeoutMs);
  const assigned = Object.entries({
    last_heartbeat,
    ...(lease === "renewed" && { lapses_at }),
    ...report,
  }).filter(([, value]) => value !== undefined);
  const held = holderCondition(holder);
  const onTime = "sessions.#symbol.last_heartbeat <= :last_heartbeat";
  const leaseGrows =
    lease === "renewed"
      ? "sessions.#symbol.lapses_at <= :lapses_at"
      : "sessions.#symbol.lapses_at > :lapses_at";
  // Each attribute gets an alias, because some names are reserved words in DynamoDB.
  const path = (name: string) => `sessions.#symbol.#${name}`;
  return {
    licenseId: holder.licenseId,
    update: `SET ${assigned.map(([name]) => `${path(name)} = :${name}`).join(", ")}`,
    condition: [held.condition, onTime, leaseGrows].join(" AND "),
    names: {
      ...held.names,
      ...Object.fromEntries(assigned.map(([name]) => [`#${name}`, name])),
    },
    values: {
      ...held.values,
      ":lapses_at": lapses_at,
      ...Object.fromEntries(assigned.map(([name, value]) => [`:${name}`, value])),
    },
  };
}

function explainRefusal(
  license: License | undefined,
  holder: Holder,
  { nowMs, sessionTimeoutMs }: LeaseTime,
): HeartbeatRefusal | { code: "held"; lease: Lease } {
  if (!license) return { code: "license_unknown", recorded: false };
  const session = sessionHeldBy(holder, license);
  const isLate = session !== undefined && session.last_heartbeat > nowMs;
  if (session && !isLate) {
    const { lapses_at } = leaseFrom(nowMs, sessionTimeoutMs);
    return { code: "held", lease: session.lapses_at > lapses_at ? "kept" : "renewed" };
  }
  const ended = endedCode(license, nowMs);
  if (ended) return { code: ended, recorded: false };
  if (isLate) return { code: "heartbeat_late" };

  const entry = license.sessions[holder.sessionSymbol];
  if (!entry || !isSession(entry)) {
    const endedByOperator =
      entry && isVacancy(entry) && entry.ended && entry.vacated_by === holder.deviceFingerprint;
    return endedByOperator ? { code: "session_ended" } : { code: "session_not_found", entry };
  }
  return entry.device_fingerprint === holder.deviceFingerprint
    ? { code: "session_replaced" }
    : { code: "session_taken", entry };
}
