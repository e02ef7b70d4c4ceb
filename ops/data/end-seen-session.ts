import { type EndOutcome, endRule } from "../../lambdas/rules/end.ts";
import { entryAt } from "../../lambdas/rules/license.ts";
import { runOn } from "../../lambdas/rules/rule-run.ts";
import { writeExpression } from "../../lambdas/store/write-expression.ts";
import { changeLicense } from "./change-license.ts";
import type { ChangeNote } from "./change-note.ts";
import { getItem, readItem } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

const mostAttempts = 5;

export type EndSessionOutcome =
  /** `after` is the license after it. */
  | (EndOutcome & { code: "ended" } & { after: LicenseItem })
  | Exclude<EndOutcome, { code: "ended" }>
  /** The license was deleted or rekeyed, or the entry changed before every attempt. */
  | { code: "changed" };

export type EndOptions = {
  /** All symbols of a session of several, not this one alone. */
  wholeSession?: boolean;
  /** Other devices may claim at once, even if a process may believe that it holds the session. */
  now?: boolean;
};

/**
 * Ends the session that was read, even if heartbeats have renewed it since, but never another one
 * that has replaced it. If the bot has released the session meanwhile, what remains of it is marked
 * as ended. An entry that can't be read is removed.
 *
 * @param note its instant must be the table's: it is stored with the entry
 */
export async function endSeenSession(
  table: TableHandle,
  seen: LicenseItem,
  symbol: string,
  { wholeSession = false, now = false }: EndOptions,
  note: ChangeNote,
): Promise<EndSessionOutcome> {
  const seenEntry = entryAt(seen, symbol)?.entry;
  if (!seenEntry) return { code: "released" };
  const rule = endRule({ symbol, seenEntry, wholeSession, now, nowMs: note.atMs });
  let license = seen;
  let stored: Record<string, unknown> = seen;
  for (let attempt = 1; attempt <= mostAttempts; attempt++) {
    const { plan, condition } = runOn({ license, stored }, rule);
    if (!plan.change) return asOutcome(plan.outcome, license);
    const { set, remove, ...expression } = writeExpression(condition, plan.change);
    const conditions = [expression.condition];
    const change = {
      ...expression,
      set: set ? [set] : [],
      remove: remove ? [remove] : [],
      conditions,
    };
    const after = await changeLicense(table, license, change, note);
    if (after) {
      const before = { license, stored };
      return asOutcome(plan.applied({ before, after: before }), after);
    }
    const item = await getItem(table, seen.license_id);
    if (!item) return { code: "changed" };
    stored = item;
    license = readItem(item);
  }
  return { code: "changed" };
}

function asOutcome(outcome: EndOutcome, after: LicenseItem): EndSessionOutcome {
  return outcome.code === "ended" ? { ...outcome, after } : outcome;
}
