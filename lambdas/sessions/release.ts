import { type Holder, holderCondition, sessionHeldBy } from "./holder.ts";
import { type Session, secondsUntilFree, type Vacancy } from "./session.ts";
import type { SessionTable } from "./table.ts";

export type ReleaseOutcome =
  /** The next device may claim after the wait, 0 unless another process may still believe it holds. */
  | { code: "released"; waitSeconds: number }
  | { code: "not_held" }
  /** Too young to be ended by this release, or shared with another process; see `heldSinceMs`. */
  | { code: "left_to_lapse"; waitSeconds: number };

/**
 * Ends the caller's session in one conditional write. Whoever does not hold it changes nothing.
 * An ended license may release.
 *
 * While a process that this session replaced may still believe that it holds, the key is not freed:
 * a second write leaves an entry without holder that lapses when that belief is over.
 *
 * @param heldSinceMs if given, a session is left to lapse that was claimed after this instant, or that
 * was claimed over a live one: without a session_id two processes keep it alive together, and nobody
 * can say that the other is gone
 * @throws the errors of the SDK, but for the refused condition
 */
export async function release(
  table: SessionTable,
  holder: Holder,
  nowMs: number,
  heldSinceMs: number | undefined,
  signal: AbortSignal,
): Promise<ReleaseOutcome> {
  const held = holderCondition(holder);
  const neverContested = "attribute_not_exists(sessions.#symbol.contested_until)";
  const ownAlone =
    heldSinceMs === undefined
      ? [`(${neverContested} OR sessions.#symbol.contested_until <= :now)`]
      : [neverContested, "sessions.#symbol.started_at <= :held_since"];
  const removal = await table.update(
    {
      licenseId: holder.licenseId,
      update: "REMOVE sessions.#symbol",
      condition: [held.condition, ...ownAlone].join(" AND "),
      names: held.names,
      values: {
        ...held.values,
        ...(heldSinceMs === undefined ? { ":now": nowMs } : { ":held_since": heldSinceMs }),
      },
    },
    signal,
  );
  if (removal.applied) return { code: "released", waitSeconds: 0 };

  const session = sessionHeldBy(holder, removal.refusedBy);
  if (!session) return { code: "not_held" };
  if (heldSinceMs !== undefined) {
    return { code: "left_to_lapse", waitSeconds: secondsUntilFree(session, nowMs) };
  }
  const vacancy = vacancyAfter(session);
  const vacated = await table.update(
    {
      licenseId: holder.licenseId,
      update: "SET sessions.#symbol = :vacancy",
      // Bound to the claim that was seen: what came after it may be contested for longer.
      condition: `${held.condition} AND sessions.#symbol.session_id = :seen_session_id`,
      names: held.names,
      values: { ...held.values, ":vacancy": vacancy, ":seen_session_id": session.session_id },
    },
    signal,
  );
  return vacated.applied
    ? { code: "released", waitSeconds: secondsUntilFree(vacancy, nowMs) }
    : { code: "not_held" };
}

function vacancyAfter(session: Session): Vacancy {
  return {
    vacated_by: session.device_fingerprint,
    lapses_at: session.contested_until ?? session.lapses_at,
  };
}
