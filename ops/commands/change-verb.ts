import { randomBytes } from "node:crypto";
import type { Command } from "commander";
import * as z from "zod";
import { attributeChange, changeLicense, type Wanted, withWanted } from "../data/change-license.ts";
import type { ChangeNote } from "../data/change-note.ts";
import { sentenceOf } from "../data/explain-aws-error.ts";
import type { LicenseItem } from "../data/license-item.ts";
import { isSelected, type Selection } from "../data/select-licenses.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError, Interrupted, UsageError } from "../terminal/command-error.ts";
import { confirm } from "../terminal/confirm.ts";
import { licenseName } from "../terminal/license-text.ts";
import { option } from "../terminal/option-readers.ts";
import { type PrintedChange, printChange } from "../terminal/print-change.ts";
import { isReaderGone } from "../terminal/write.ts";
import { addLicensesArgument, findLicenses } from "./find-license.ts";
import { changeLine, openHistory, writeInHistory } from "./note-in-history.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addSelectionOptions, isSelection } from "./selection-options.ts";
import { addChangingAction, type ChangeOptions } from "./table-options.ts";

/** What a verb is going to do to a license that it has read. */
export type Plan =
  | { alreadySo: string }
  /** Why the license can't be changed so. Other licenses of the same operation are. */
  | { refusal: string }
  | {
      /**
       * @param note its instant is after the question was answered
       * @returns `undefined` if the license has changed since it was read; nothing was done then
       */
      apply(table: OpenTable, note: ChangeNote): Promise<Applied | NotApplied | undefined>;
      /** Asks for confirmation and says what would be destroyed; absent if nothing would. */
      question?: string | undefined;
      /** The license as it would be, where that is known before. */
      becomes?: LicenseItem;
    };

/**
 * The license after the change, if it still exists, and a message. `before` is the license that the
 * change was applied to, if that is not the one that was read.
 */
export type Applied = { before?: LicenseItem; after: LicenseItem | undefined; message: string };

/** Why nothing was done: one sentence or more. */
type NotApplied = { refusal: string };

type PlanningVerb<Options, Planless = never> = {
  /** Whether the verb accepts a license that was rekeyed. */
  takesRekeyed?: true;
  /** @throws UsageError if the options make no sense for any license */
  plan(license: LicenseItem, options: Options, nowMs: number): Plan | Planless;
};

type ChangeVerb<Options> = PlanningVerb<Options> & {
  name: string;
  description: string;
  /** The arguments after `npm run license --`. */
  example: string;
  /** Additional help text. */
  more?: string;
  addOptions?(command: Command): unknown;
  /** Whether it deletes licenses: in an operation that is repeated, one that is gone counts as done. */
  leavesNothing?: true;
  /** Whether licenses may be chosen by what they are instead of being named. */
  selects?: true;
};

/** A plan that consists of one conditional write of attributes. */
export function settingPlan(seen: LicenseItem, wanted: Wanted, message = "Done.") {
  const change = attributeChange(seen, wanted);
  return {
    becomes: withWanted(seen, wanted),
    async apply(table: OpenTable, note: ChangeNote): Promise<Applied | undefined> {
      const after = await changeLicense(table, seen, change, note);
      return after && { after, message };
    },
  };
}

type CommonOptions = ChangeOptions & Selection & { operation?: string };

/**
 * Adds a verb that changes licenses. It finds all of them and plans every change before it makes
 * the first one, asks once for all, and prints each license before and after. A change of several
 * licenses is an operation with an id, by which it can be repeated after it was interrupted.
 */
export function addChangeVerb<Options>(
  program: Command,
  context: CommandContext,
  verb: ChangeVerb<Options>,
): void {
  const { name } = verb;
  const command = program.command(name).description(verb.description);
  addLicensesArgument(command, verb.selects);
  verb.addOptions?.(command);
  if (verb.selects) addSelectionOptions(command);
  command.addOption(
    option(
      "--operation <id>",
      "repeat an operation over several licenses that was interrupted, by the id that it printed",
      operationSchema,
    ),
  );
  addChangingAction<Options & CommonOptions, string[]>(
    command,
    verb,
    context,
    async (table, opened, options, names) => {
      const chosen = await chosenLicenses(table, names, verb, options, context);
      const planned = chosen.map((before) => ({
        before,
        plan: planFor(verb, before, options, opened.atMs),
      }));
      const question = questionOf(planned, name, names.length === 0);
      if (question !== undefined) await confirm(context, options, question);
      const note = { ...opened, atMs: context.now() };
      const [only] = planned;
      if (planned.length === 1 && only && options.operation === undefined) {
        await applyToOne(table, only, name, note, options, context);
        return;
      }
      const { operation = newOperation() } = options;
      const print = (change: PrintedChange) => printChange(context, options, change);
      await applyOperation(table, planned, name, { ...note, operation }, context, print);
    },
  );
}

const operationSchema = z
  .string()
  .regex(/^[0-9a-f]{8}$/)
  .describe("the eight digits that an operation over several licenses has printed");

export function newOperation(): string {
  return randomBytes(4).toString("hex");
}

export type Planned = { before: LicenseItem; plan: Plan };

async function chosenLicenses<Options>(
  table: OpenTable,
  names: readonly string[],
  { selects, leavesNothing }: ChangeVerb<Options>,
  options: CommonOptions,
  context: CommandContext,
): Promise<LicenseItem[]> {
  const selection = selects && isSelection(options) ? options : undefined;
  if (names.length > 0 && selection) {
    throw new UsageError("Name licenses or choose them by what they are, not both.");
  }
  return selection
    ? selectedLicenses(table, selection, context)
    : findLicenses(table, names, context, leavesNothing && options.operation !== undefined);
}

/**
 * The licenses that are chosen by what they are, without those that were rekeyed.
 *
 * @throws CommandError if there is none, or an item can't be read
 */
export async function selectedLicenses(
  table: OpenTable,
  selection: Selection,
  context: Pick<CommandContext, "messages" | "now" | "stop">,
): Promise<LicenseItem[]> {
  const nowMs = context.now();
  const scan = scanLicenses(
    table,
    context,
    (license) => license.superseded_by === undefined && isSelected(license, selection, nowMs),
    { ConsistentRead: true },
  );
  const found: LicenseItem[] = [];
  for await (const licenses of scan.pages) found.push(...licenses);
  scan.expectAll();
  if (found.length === 0) throw new CommandError("Nothing was done: no license is like this.");
  return found;
}

/** How many questions are printed before the rest is counted. */
const mostQuestions = 10;

/** What is asked once, before the first of these changes is made; `undefined` if nothing is. */
export function questionOf(
  planned: readonly Planned[],
  name: string,
  wereChosen: boolean,
): string | undefined {
  const questions = planned.flatMap(({ plan }) =>
    "question" in plan && plan.question !== undefined ? [plan.question] : [],
  );
  const rest = questions.length - mostQuestions;
  const asked = questions.slice(0, mostQuestions);
  if (rest > 0) asked.push(`... and ${rest} more like this.`);
  if (wereChosen) {
    const changing = planned.filter(({ plan }) => "apply" in plan).length;
    asked.push(
      `${name}: ${changing} of ${planned.length} licenses that were chosen would be changed. Go on?`,
    );
  }
  return asked.length > 0 ? asked.join("\n") : undefined;
}

async function applyToOne(
  table: OpenTable,
  { before, plan }: Planned,
  name: string,
  note: ChangeNote,
  options: CommonOptions,
  context: CommandContext,
): Promise<void> {
  const nowMs = note.atMs;
  if ("refusal" in plan) {
    throw new CommandError(`Nothing was done to ${licenseName(before)}: ${plan.refusal}`);
  }
  if ("alreadySo" in plan) {
    const same = { table, before, after: before, nowMs, message: plan.alreadySo };
    return printChange(context, options, same);
  }
  const change = await applyPlan(table, { before, plan }, name, note, context);
  await printChange(context, options, change);
}

/**
 * Applies a plan for one license and records it in the history: what a verb does after its question,
 * and the console after its button.
 *
 * @throws CommandError if nothing was done
 */
export async function applyPlan(
  table: OpenTable,
  { before, plan }: { before: LicenseItem; plan: Extract<Plan, { apply: unknown }> },
  verb: string,
  note: ChangeNote,
  context: Pick<CommandContext, "messages" | "variables">,
): Promise<PrintedChange> {
  const applied = await plan.apply(table, note);
  if (!applied || "refusal" in applied) {
    throw new CommandError(applied?.refusal ?? changedMeanwhile);
  }
  const change = { table, before, nowMs: note.atMs, ...applied };
  await writeInHistory(context, table, note, [changeLine(verb, note, change)]);
  return change;
}

/**
 * Applies the plans for several licenses, one after the other, and says what it did.
 *
 * @throws CommandError or Interrupted if it stopped, or some were not changed, with the figures
 */
export async function applyOperation(
  table: OpenTable,
  planned: readonly Planned[],
  name: string,
  note: ChangeNote & { operation: string },
  context: Pick<CommandContext, "messages" | "variables" | "stop">,
  print: (change: PrintedChange) => Promise<void>,
): Promise<void> {
  const { messages, stop } = context;
  const { atMs: nowMs, operation } = note;
  const counts = { changed: 0, "already so": 0, "not changed": 0 };
  const history = openHistory(context, table, note, 25);
  const refuse = (before: LicenseItem, why: string) => {
    counts["not changed"] += 1;
    messages.write(`${licenseName(before)}: ${why}\n`);
  };
  const soFar = () =>
    Object.entries(counts)
      .map(([what, count]) => `${count} ${what}`)
      .join(", ");
  messages.write(`Operation ${operation}: ${name}, ${planned.length} licenses.\n`);
  try {
    for (const { before, plan } of planned) {
      if (stop.aborted) throw new Interrupted("Stopped.");
      if ("refusal" in plan) {
        refuse(before, plan.refusal);
        continue;
      }
      const isDone = before.operations?.includes(operation);
      if ("alreadySo" in plan || isDone) {
        counts["already so"] += 1;
        const message =
          "alreadySo" in plan ? plan.alreadySo : "This operation has changed it already.";
        await print({ table, before, after: before, nowMs, message });
        continue;
      }
      const applied = await plan.apply(table, note);
      if (!applied || "refusal" in applied) {
        refuse(before, applied?.refusal ?? changedMeanwhile);
        continue;
      }
      counts.changed += 1;
      const change = { table, before, nowMs, ...applied };
      await history.add(changeLine(name, note, change));
      await print(change);
    }
  } catch (error) {
    await history.flush();
    const left = planned.length - Object.values(counts).reduce((sum, count) => sum + count);
    const summary = `Operation ${operation} stopped: ${soFar()}, ${left} not reached. Repeat the same command with --operation ${operation}: what it has changed stays as it is.`;
    if (error instanceof Interrupted) throw new Interrupted(summary);
    if (!(error instanceof Error) || isReaderGone(error)) throw error;
    throw new CommandError(`${summary} The reason: ${sentenceOf(error, table) ?? error.message}`);
  }
  await history.flush();
  messages.write(`Operation ${operation}: ${soFar()}.\n`);
  if (counts["not changed"] > 0) {
    throw new CommandError(
      `${counts["not changed"]} of ${planned.length} licenses were not changed.`,
    );
  }
}

const changedMeanwhile =
  "Somebody else changed the license at the same time, so nothing was done to it. Check it with show, then try again.";

/** The plan of a verb for a license, which is a refusal if the license is now under another key. */
export function planFor<Options, Planless = never>(
  { plan, takesRekeyed }: PlanningVerb<Options, Planless>,
  license: LicenseItem,
  options: Options,
  nowMs: number,
): Plan | Planless {
  if (license.superseded_by !== undefined && !takesRekeyed) {
    return {
      refusal: `it was given a new key and is now ${license.superseded_by}; name that one.`,
    };
  }
  return plan(license, options, nowMs);
}
