import type { ChangeNote } from "../data/change-note.ts";
import { entriesOf } from "../data/license-item.ts";
import { type ChangeLine, recordChanges } from "../data/record-changes.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { type BeforeAndAfter, changedFacts } from "../terminal/print-change.ts";

/** The history line of a change of one license. */
export function changeLine(verb: string, note: ChangeNote, change: BeforeAndAfter): ChangeLine {
  const { before, after } = change;
  const stands = new Map(after ? entriesOf(after) : []);
  const ended = (before ? entriesOf(before) : []).filter(
    ([symbol, entry]) => entry.kind === "session" && stands.get(symbol)?.kind !== "session",
  );
  return {
    event: "license_changed",
    verb,
    license_id: (after ?? before)?.license_id ?? "",
    by: note.by,
    reason: note.reason,
    changes: changedFacts(change, "masked").map(({ name, was, is }) => `${name}: ${was} -> ${is}`),
    ...(ended.length > 0 && { sessions_ended: ended.map(([symbol]) => symbol) }),
    operation: note.operation,
  };
}

/** Writes a change of one license to the history. */
export function noteInHistory(
  context: CommandContext,
  table: OpenTable,
  verb: string,
  note: ChangeNote,
  change: BeforeAndAfter,
): Promise<void> {
  return writeInHistory(context, table, note, [changeLine(verb, note, change)]);
}

/** Writes lines to the history. If that fails, a message says that the changes stand. */
export async function writeInHistory(
  { messages, variables }: Pick<CommandContext, "messages" | "variables">,
  { history }: OpenTable,
  note: ChangeNote,
  lines: readonly ChangeLine[],
): Promise<void> {
  try {
    await recordChanges(history, lines, note, variables);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const ids = [...new Set(lines.map(({ license_id }) => license_id.slice(0, 12)))];
    const what = ids.length === 1 ? `license ${ids[0]}` : `${ids.length} licenses`;
    messages.write(
      `The change of ${what} was made, but could not be written to the history. Don't repeat it. The reason: ${reason}\n`,
    );
  }
}
