import type { CommandContext } from "./command-context.ts";
import { CommandError, Interrupted } from "./command-error.ts";
import { printable } from "./text-table.ts";

/**
 * Asks before something is destroyed, unless `--yes` is given.
 *
 * @param question one or more lines
 * @throws CommandError if the answer is not yes or nobody can answer; Interrupted on Ctrl-C
 */
export async function confirm(
  { ask, stop }: Pick<CommandContext, "ask" | "stop">,
  { yes }: { yes?: true },
  question: string,
): Promise<void> {
  if (yes) return;
  if (!ask) {
    throw new CommandError(
      `${question} Nothing was done: there is no terminal to ask on. Add --yes to confirm.`,
    );
  }
  const agreed = await ask(`${question.split("\n").map(printable).join("\n")} [y/N] `);
  if (stop.aborted) throw new Interrupted("Stopped; nothing was done.");
  if (!agreed) throw new CommandError("Nothing was done.");
}
