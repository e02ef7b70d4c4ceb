import { CommandError } from "../../engine/command-error.ts";
import type { CommandContext } from "./command-context.ts";

/**
 * Asks before something is destroyed. `--yes` skips it.
 *
 * @throws CommandError unless the answer is yes, and where there is nobody to answer
 */
export async function confirm(
  { ask }: CommandContext,
  { yes }: { yes?: true },
  question: string,
): Promise<void> {
  if (yes) return;
  if (!ask) {
    throw new CommandError(
      `${question} There is no terminal to ask on: nothing was done. Say --yes if it is meant.`,
    );
  }
  if (!(await ask(`${question} [y/N] `))) throw new CommandError("Nothing was done.");
}
