import { freeAtMs, type Session, type Vacancy } from "./session.ts";

/**
 * The entry that remains when an operator ends a session: it has no holder, and no heartbeat
 * revives it. It lapses once no process can still believe that it holds the session.
 *
 * @param freedAtMs if given, the entry lapses at this instant instead (epoch milliseconds), even if
 * a process may believe for longer that it holds the session
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
 * The parts of an `UpdateItem` that ends the session that was read, on the condition that its lease
 * is unchanged. A heartbeat in between renews the lease: then the caller reads the item and tries
 * again.
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
