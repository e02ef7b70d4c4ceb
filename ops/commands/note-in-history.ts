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

/** Collects lines and writes so many of them to the history at once; `flush` writes the rest. */
export function openHistory(
  context: Pick<CommandContext, "messages" | "variables">,
  table: OpenTable,
  note: ChangeNote,
  linesAtOnce: number,
) {
  let unwritten: ChangeLine[] = [];
  async function flush(): Promise<void> {
    const lines = unwritten;
    unwritten = [];
    if (lines.length > 0) await writeInHistory(context, table, note, lines);
  }
  return {
    async add(line: ChangeLine): Promise<void> {
      if (unwritten.push(line) >= linesAtOnce) await flush();
    },
    flush,
  };
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
