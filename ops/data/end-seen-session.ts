import { endSessionUpdate } from "../../lambdas/rules/end-session-update.ts";
import { deviceOf, type Entry, isSession, isVacancy } from "../../lambdas/rules/session.ts";
import { changeLicense } from "./change-license.ts";
import type { ChangeNote } from "./change-note.ts";
import type { Change } from "./conditional-writes.ts";
import { getLicense } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

const mostAttempts = 5;

export type EndSessionOutcome =
  /** `before` is the entry that was ended, and `after` the license after it. */
  | { code: "ended"; before: LicenseItem["sessions"][string]; after: LicenseItem }
  /** The bot released it first, so there is no entry left to end. */
  | { code: "released" }
  /** Another claim has replaced the session that was read. */
  | { code: "claimed" }
  /** The license was deleted or rekeyed, or the entry changed before every attempt. */
  | { code: "changed" };

/**
 * Ends the session that was read, even if heartbeats have renewed it since, but never another one
 * that has replaced it. If the bot has released the session meanwhile, the remaining entry is
 * marked as ended. An entry that can't be read is removed.
 *
 * @param freedAtMs if given, the symbol is free at this instant (epoch milliseconds), even if a
 *   process may believe for longer that it holds the session
 */
export async function endSeenSession(
  table: TableHandle,
  seen: LicenseItem,
  symbol: string,
  freedAtMs: number | undefined,
  note: ChangeNote,
): Promise<EndSessionOutcome> {
  let license = seen;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const before = license.sessions[symbol];
    if (!before) return { code: "released" };
    const change = entryEnd(license, symbol, before, freedAtMs);
    const after = await changeLicense(table, license, change, note);
    if (after) return { code: "ended", before, after };
    const stored = await getLicense(table, seen.license_id);
    if (!stored || stored.superseded_by !== undefined) return { code: "changed" };
    const now = stored.sessions[symbol];
    if (now && !isOfSameSession(before, now)) return { code: "claimed" };
    license = stored;
  }
  return { code: "changed" };
}

/** Whether the entry is the session that was read, or what remains of it after a release. */
function isOfSameSession(seen: Entry, now: Entry): boolean {
  return isSession(seen) && isSession(now)
    ? seen.session_id === now.session_id
    : !isSession(now) && deviceOf(seen) === deviceOf(now);
}

function entryEnd(
  { change_id }: LicenseItem,
  symbol: string,
  entry: Entry,
  freedAtMs: number | undefined,
): Change {
  if (isSession(entry)) return endSessionUpdate(symbol, entry, freedAtMs);
  const names = { "#symbol": symbol };
  if (isVacancy(entry)) {
    return {
      set: ["sessions.#symbol.lapses_at = :lapses_at", "sessions.#symbol.ended = :ended"],
      conditions: [
        "sessions.#symbol.vacated_by = :seen_vacated_by",
        "sessions.#symbol.lapses_at = :seen_lapses_at",
      ],
      names,
      values: {
        ":lapses_at": freedAtMs ?? entry.lapses_at,
        ":ended": true,
        ":seen_vacated_by": entry.vacated_by,
        ":seen_lapses_at": entry.lapses_at,
      },
    };
  }
  // Only operators change an unreadable entry.
  return {
    remove: ["sessions.#symbol"],
    conditions: [
      "attribute_exists(sessions.#symbol)",
      change_id === undefined ? "attribute_not_exists(change_id)" : "change_id = :seen_change",
    ],
    names,
    values: change_id === undefined ? {} : { ":seen_change": change_id },
  };
}
