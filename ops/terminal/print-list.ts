import type { CommandContext } from "./command-context.ts";
import { jsonText } from "./text-table.ts";
import { write } from "./write.ts";

export type ListShape<Entry> = {
  /** Printed above the lines, unless as JSON. */
  head: string;
  line(entry: Entry): string;
  /** Printed below the lines, unless as JSON. A truncated list lacks it. */
  foot?: string;
  /** The value to print as JSON. */
  view(entry: Entry): unknown;
};

/**
 * Prints pages as they arrive, as lines or as one JSON array with an element per line. A truncated
 * array is invalid JSON, so it can't be mistaken for the whole. Prints nothing if the first page
 * can't be read.
 */
export async function printList<Entry>(
  { output }: CommandContext,
  { json }: { json?: true },
  { head, line, foot = "", view }: ListShape<Entry>,
  pages: AsyncIterable<readonly Entry[]>,
): Promise<void> {
  let count = 0;
  let unprinted = json ? "[" : head;
  for await (const entries of pages) {
    const lines = entries.map((entry, index) =>
      json ? `${count + index > 0 ? "," : ""}\n${jsonText(view(entry))}` : line(entry),
    );
    count += entries.length;
    const text = unprinted + lines.join("");
    unprinted = "";
    if (text) await write(output, text);
  }
  unprinted += json ? "\n]\n" : foot;
  if (unprinted) await write(output, unprinted);
}
