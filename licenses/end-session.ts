import { endSessionUpdate } from "../lambdas/sessions/end-session.ts";
import { isHeld, isVacated } from "../lambdas/sessions/session.ts";
import { type Change, changeLicense } from "./change-license.ts";
import type { ChangeNote } from "./change-note.ts";
import { getLicense } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

const mostAttempts = 5;

/**
 * Ends one session: the very one that was seen, whatever heartbeats it has had since, and not
 * another that has taken its place. An entry that can't be read goes.
 *
 * @param freedAtMs if given, the symbol is free at this instant (epoch milliseconds), and not only
 *   when the right of everybody who may believe to hold it is over
 * @returns the license after it, or `undefined` if the session is not the one that was seen any more
 */
export async function endSession(
  table: TableHandle,
  seen: LicenseItem,
  symbol: string,
  freedAtMs: number | undefined,
  note: ChangeNote,
): Promise<LicenseItem | undefined> {
  let license = seen;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const change = entryEnd(license, symbol, freedAtMs);
    const after = change && (await changeLicense(table, license, change, note));
    if (after) return after;
    const before = license.sessions[symbol];
    const stored = await getLicense(table, seen.license_id);
    const now = stored?.sessions[symbol];
    const onlyItsLeaseMoved =
      before && now && isHeld(before) && isHeld(now) && before.session_id === now.session_id;
    if (!stored || !onlyItsLeaseMoved) return undefined;
    license = stored;
  }
  return undefined;
}

function entryEnd(
  { change_id, sessions }: LicenseItem,
  symbol: string,
  freedAtMs: number | undefined,
): Change | undefined {
  const entry = sessions[symbol];
  if (!entry) return undefined;
  if (isHeld(entry)) return { remove: [], ...endSessionUpdate(symbol, entry, freedAtMs) };
  const names = { "#symbol": symbol };
  if (isVacated(entry)) {
    return {
      set: ["sessions.#symbol.lapses_at = :lapses_at", "sessions.#symbol.ended = :ended"],
      remove: [],
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
  // Nothing but an operator's change moves what can't be read.
  return {
    set: [],
    remove: ["sessions.#symbol"],
    conditions: [
      "attribute_exists(sessions.#symbol)",
      change_id === undefined ? "attribute_not_exists(change_id)" : "change_id = :seen_change",
    ],
    names,
    values: change_id === undefined ? {} : { ":seen_change": change_id },
  };
}
