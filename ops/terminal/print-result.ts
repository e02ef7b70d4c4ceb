import type { CommandContext } from "./command-context.ts";
import { jsonText } from "./text-table.ts";
import { write } from "./write.ts";

/** Prints what a verb has found or made: for programs with `--json`, else for people. */
export function printResult(
  { output }: CommandContext,
  { json }: { json?: true | undefined },
  view: unknown,
  text: string,
): Promise<void> {
  return write(output, json ? `${jsonText(view)}\n` : text);
}
