import type { Command } from "commander";
import { changeLicense } from "../data/change-license.ts";
import type { ChangeNote } from "../data/change-note.ts";
import type { Change } from "../data/conditional-writes.ts";
import type { LicenseItem } from "../data/license-item.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError, Interrupted } from "../terminal/command-error.ts";
import { confirm } from "../terminal/confirm.ts";
import { licenseName } from "../terminal/license-text.ts";
import { printChange } from "../terminal/print-change.ts";
import { addLicensesArgument, findLicenses } from "./find-license.ts";
import { noteInHistory } from "./note-in-history.ts";
import { addChangeOptions, type ChangeOptions, withChangedTable } from "./table-options.ts";

/** What a verb is going to do to a license that it has read. */
export type Plan =
  | { alreadySo: string }
  | {
      /**
       * @param note its instant is after the question was answered
       * @returns `undefined` if the license has changed since it was read; nothing was done then
       */
      apply(table: OpenTable, note: ChangeNote): Promise<Applied | NotApplied | undefined>;
      /** Asks for confirmation and says what would be destroyed; absent if nothing would. */
      question?: string | undefined;
    };

/**
 * The license after the change, if it still exists, and a message. `before` is the license that the
 * change was applied to, if that is not the one that was read.
 */
export type Applied = { before?: LicenseItem; after: LicenseItem | undefined; message: string };

/** Why nothing was done: one sentence or more. */
type NotApplied = { refusal: string };

type ChangeVerb<Options> = {
  name: string;
  description: string;
  /** The arguments after `npm run license --`. */
  example: string;
  /** Additional help text. */
  more?: string;
  addOptions?(command: Command): Command;
  /** Whether the verb accepts a license that was rekeyed. */
  takesRekeyed?: true;
  /** @throws CommandError or UsageError if the change is impossible */
  plan(license: LicenseItem, options: Options, nowMs: number): Plan;
};

/** An `apply` for a plan that consists of one conditional write. */
export function changing(seen: LicenseItem, change: Change) {
  return async (table: OpenTable, note: ChangeNote): Promise<Applied | undefined> => {
    const after = await changeLicense(table, seen, change, note);
    return after && { after, message: "Done." };
  };
}

/**
 * Adds a verb that changes licenses. It finds all of them and plans every change before it makes
 * the first one, asks once for all, and prints each license before and after.
 */
export function addChangeVerb<Options>(
  program: Command,
  context: CommandContext,
  verb: ChangeVerb<Options>,
): void {
  const { name, description, example, more = "", addOptions = (command) => command } = verb;
  const command = addOptions(addLicensesArgument(program.command(name).description(description)));
  addChangeOptions(command)
    .addHelpText("after", `${more}\nExample:\n  npm run license -- ${example}`)
    .action((names: string[], options: Options & ChangeOptions) =>
      withChangedTable(options, context, async (table, opened) => {
        const planned = (await findLicenses(table, names, context)).map((before) => ({
          before,
          plan: planFor(verb, before, options, opened.atMs),
        }));
        const questions = planned.flatMap(({ plan }) =>
          "question" in plan && plan.question !== undefined ? [plan.question] : [],
        );
        if (questions.length > 0) await confirm(context, options, questions.join("\n"));
        const nowMs = context.now();
        const note = { ...opened, atMs: nowMs };
        const refusals: string[] = [];
        for (const [done, { before, plan }] of planned.entries()) {
          if (context.stop.aborted) {
            throw new Interrupted(`Stopped after ${done} of ${planned.length} licenses.`);
          }
          if ("alreadySo" in plan) {
            const same = { table, before, after: before, nowMs, message: plan.alreadySo };
            await printChange(context, options, same);
            continue;
          }
          const applied = await plan.apply(table, note);
          if (!applied || "refusal" in applied) {
            refusals.push(applied?.refusal ?? changedMeanwhile);
            if (planned.length > 1)
              context.messages.write(`${licenseName(before)}: ${refusals.at(-1)}\n`);
            continue;
          }
          await printChange(context, options, { table, before, nowMs, ...applied });
          await noteInHistory(context, table, name, note, { before, nowMs, ...applied });
        }
        if (refusals.length > 0) {
          throw new CommandError(
            planned.length === 1
              ? refusals.join()
              : `${refusals.length} of ${planned.length} licenses were not changed.`,
          );
        }
      }),
    );
}

const changedMeanwhile =
  "Somebody else changed the license at the same time, so nothing was done to it. Check it with show, then try again.";

function planFor<Options>(
  { plan, takesRekeyed }: ChangeVerb<Options>,
  license: LicenseItem,
  options: Options,
  nowMs: number,
): Plan {
  if (license.superseded_by !== undefined && !takesRekeyed) {
    throw new CommandError(
      `License ${license.license_id.slice(0, 12)} was given a new key and is now ${license.superseded_by.slice(0, 12)}; name that one.`,
    );
  }
  return plan(license, options, nowMs);
}
