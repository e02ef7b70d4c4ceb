import type { CommandContext } from "./command-context.ts";
import { jsonText } from "./text-table.ts";
import { write } from "./write.ts";

/** Prints the result of a verb: as JSON with `--json`, otherwise as text for people. */
export function printResult(
  { output }: CommandContext,
  { json }: { json?: true | undefined },
  view: unknown,
  text: string,
): Promise<void> {
  return write(output, json ? `${jsonText(view)}\n` : text);
}
