import type { Command } from "commander";
import { CommandError } from "../../engine/command-error.ts";
import { type Change, changeLicense } from "../../licenses/change-license.ts";
import type { JudgedAt, LicenseItem } from "../../licenses/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { confirm } from "../terminal/confirm.ts";
import { printChange } from "../terminal/print-change.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

/** What a verb wants of a license, once it has seen it. */
export type Plan =
  | { alreadySo: string }
  | {
      change: Change;
      /** What it would destroy, as a question; nothing is asked without it. */
      question?: string | undefined;
    };

export type ChangeVerb<Options> = {
  name: string;
  description: string;
  /** The words after `npm run license --`. */
  example: string;
  addOptions?(command: Command): Command;
  /** @throws CommandError or UsageError if it can't be */
  plan(license: LicenseItem, options: Options, judgedAt: JudgedAt): Plan;
};

type CommonOptions = TableOptions & { yes?: true };

/** Adds a verb that changes one license, in one conditional write, and tells before and after. */
export function addChangeVerb<Options>(
  program: Command,
  context: CommandContext,
  { name, description, example, addOptions = (command) => command, plan }: ChangeVerb<Options>,
): void {
  const command = addOptions(
    addLicenseArgument(program.command(name).description(description)),
  ).option("--yes", "do not ask");
  addTableOptions(command)
    .addHelpText("after", `\nExample:\n  npm run license -- ${example}`)
    .action((licenseName: string, options: Options & CommonOptions) =>
      withNamedTable(options, context, async (table) => {
        const before = await findLicense(table, licenseName, context);
        refuseRekeyed(before);
        const judgedAt = { nowMs: context.now(), sessionTimeoutMs: table.sessionTimeoutMs };
        const planned = plan(before, options, judgedAt);
        if ("alreadySo" in planned) {
          await printChange(context, options, before, before, judgedAt, planned.alreadySo);
          return;
        }
        if (planned.question !== undefined) {
          await confirm(context, options, planned.question);
        }
        const after = await changeLicense(table, before, planned.change);
        if (!after) {
          throw new CommandError(
            "The license was changed by somebody else at this moment; nothing was done. Look at it and try again.",
          );
        }
        await printChange(context, options, before, after, judgedAt, "Done.");
      }),
    );
}

/** @throws CommandError naming the license that took its place */
function refuseRekeyed({ superseded_by }: LicenseItem): void {
  if (superseded_by === undefined) return;
  throw new CommandError(
    `This license was given a new key and is now ${superseded_by.slice(0, 12)}; name that one.`,
  );
}
