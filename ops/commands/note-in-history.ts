import type { ChangeNote } from "../../licenses/change-note.ts";
import { recordChanges } from "../../licenses/record-change.ts";
import type { OpenTable } from "../../licenses/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { type BeforeAndAfter, changedFacts } from "../terminal/print-change.ts";

/** Writes a change into the history. That it can't be written does not undo the change: it is said. */
export async function noteInHistory(
  { messages, variables }: CommandContext,
  { history }: OpenTable,
  verb: string,
  note: ChangeNote,
  change: BeforeAndAfter,
): Promise<void> {
  const line = {
    event: "license_changed" as const,
    verb,
    license_id: (change.after ?? change.before)?.license_id ?? "",
    by: note.by,
    reason: note.reason,
    changes: changedFacts(change, "masked").map(({ name, was, is }) => `${name}: ${was} -> ${is}`),
  };
  try {
    await recordChanges(history, [line], note, variables);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    messages.write(`It is done, but could not be written into the history: ${reason}\n`);
  }
}
