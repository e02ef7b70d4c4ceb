import { freeAtMs, type Session, type Vacancy } from "./session.ts";

/**
 * What an operator leaves of a session that is ended: an entry without holder, which no heartbeat
 * revives. It lapses when nobody can believe any more that they hold it.
 *
 * @param freedAtMs if given, the entry lapses at this instant instead (epoch milliseconds), whoever
 * may still believe until later
 */
export function endedVacancy(session: Session, freedAtMs?: number): Vacancy {
  return {
    vacated_by: session.device_fingerprint,
    vacated_session_id: session.session_id,
    lapses_at: freedAtMs ?? freeAtMs(session),
    ended: true,
  };
}

/**
 * The write that ends the session which was seen, in parts of an `UpdateItem`, and the condition
 * under which it is still that one, with that lease. A heartbeat in between moves the lease: look
 * again then.
 */
export function endSessionUpdate(symbol: string, seen: Session, freedAtMs?: number) {
  return {
    set: ["sessions.#symbol = :vacancy"],
    conditions: [
      "sessions.#symbol.session_id = :seen_session",
      "sessions.#symbol.lapses_at = :seen_lapses_at",
    ],
    names: { "#symbol": symbol },
    values: {
      ":vacancy": endedVacancy(seen, freedAtMs),
      ":seen_session": seen.session_id,
      ":seen_lapses_at": seen.lapses_at,
    },
  };
}
