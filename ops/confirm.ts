import { Refusal } from "./refusal.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Asks before something is destroyed. `--yes` skips it.
 *
 * @throws Refusal unless the answer is yes, and where there is nobody to answer
 */
export async function confirm(
  { ask }: Surroundings,
  { yes }: { yes?: true },
  question: string,
): Promise<void> {
  if (yes) return;
  if (!ask) {
    throw new Refusal(
      `${question} There is no terminal to ask on: nothing was done. Say --yes if it is meant.`,
    );
  }
  if (!(await ask(`${question} [y/N] `))) throw new Refusal("Nothing was done.");
}
