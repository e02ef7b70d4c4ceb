import type { ConditionalUpdate, SessionTable } from "../store/table.ts";
import { type Holder, holderCondition, sessionHeldBy } from "./holder.ts";
import { type Session, secondsUntilFree, type Vacancy } from "./session.ts";

export type ReleaseOutcome =
  /** The next device may claim after the wait. It is 0 unless another process may still hold it. */
  | { code: "released"; waitSeconds: number }
  | { code: "not_held" }
  /** Another copy may share the session; see `sparedSinceMs`. */
  | { code: "left_to_lapse"; waitSeconds: number };

/**
 * Ends the caller's session in one conditional write. Changes nothing if the caller does not hold
 * it. Also works on an ended license.
 *
 * If a process that this session replaced may still believe that it holds the session, the key is
 * not freed yet: a second write leaves an entry without a holder, which lapses once that is ruled
 * out.
 *
 * @param sparedSinceMs if given, a session that was claimed after this instant is left to lapse, and
 * so is one that replaced another, because a second copy of the bot may share it
 * @throws any SDK error except the failed condition
 */
export async function release(
  table: SessionTable,
  holder: Holder,
  nowMs: number,
  sparedSinceMs: number | undefined,
  signal: AbortSignal,
): Promise<ReleaseOutcome> {
  let contested: Session | undefined;
  for (let rivals = 0; rivals <= mostRivals; rivals++) {
    const vacancy = contested && vacancyAfter(contested);
    const change =
      contested && vacancy
        ? vacating(holder, contested, vacancy)
        : removing(holder, nowMs, sparedSinceMs);
    const result = await table.update(change, signal);
    if (result.applied) {
      return { code: "released", waitSeconds: vacancy ? secondsUntilFree(vacancy, nowMs) : 0 };
    }
    const session = sessionHeldBy(holder, result.refusedBy);
    if (!session) return { code: "not_held" };
    if (sparedSinceMs !== undefined && isSpared(session, sparedSinceMs)) {
      return { code: "left_to_lapse", waitSeconds: secondsUntilFree(session, nowMs) };
    }
    contested = isContested(session, nowMs) ? session : undefined;
  }
  throw new Error("A release was refused more often than rivals can explain");
}

/** Only other processes of the same device move a session between a refusal and the next write. */
const mostRivals = 3;

/** `isContested` and `isSpared` explain its refusals: change them together. */
function removing(
  holder: Holder,
  nowMs: number,
  sparedSinceMs: number | undefined,
): ConditionalUpdate {
  const held = holderCondition(holder);
  const oldEnough = "sessions.#symbol.started_at <= :spared_since";
  const replacedNone = "attribute_not_exists(sessions.#symbol.contested_until)";
  const uncontested = `(${replacedNone} OR sessions.#symbol.contested_until <= :now)`;
  const spares = sparedSinceMs !== undefined;
  return {
    licenseId: holder.licenseId,
    update: "REMOVE sessions.#symbol",
    condition: [held.condition, ...(spares ? [oldEnough, replacedNone] : [uncontested])].join(
      " AND ",
    ),
    names: held.names,
    values: {
      ...held.values,
      ...(spares ? { ":spared_since": sparedSinceMs } : { ":now": nowMs }),
    },
  };
}

function isContested({ contested_until }: Session, nowMs: number): boolean {
  return contested_until !== undefined && nowMs < contested_until;
}

function isSpared({ started_at, contested_until }: Session, sparedSinceMs: number): boolean {
  return started_at > sparedSinceMs || contested_until !== undefined;
}

/** Applies only to the claim that was read, because a later one may be contested for longer. */
function vacating(holder: Holder, seen: Session, vacancy: Vacancy): ConditionalUpdate {
  const held = holderCondition(holder);
  return {
    licenseId: holder.licenseId,
    update: "SET sessions.#symbol = :vacancy",
    condition: `${held.condition} AND sessions.#symbol.session_id = :seen_session_id`,
    names: held.names,
    values: { ...held.values, ":vacancy": vacancy, ":seen_session_id": seen.session_id },
  };
}

function vacancyAfter({ device_fingerprint, session_id, contested_until = 0 }: Session): Vacancy {
  return {
    vacated_by: device_fingerprint,
    vacated_session_id: session_id,
    lapses_at: contested_until,
  };
}
