import type { Command } from "commander";
import * as z from "zod";
import type { ChangeNote } from "../data/change-note.ts";
import { historyText } from "../data/record-changes.ts";
import { type OpenTable, type TableChoice, withTable } from "../data/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { option, readAs } from "../terminal/option-readers.ts";
import type { Variables } from "../terminal/variables.ts";

export type TableOptions = { stack?: string; table?: string; local?: true; json?: true };

export type ChangeOptions = TableOptions & { yes?: true; reason?: string };

type Help = { example: string; more?: string };

/**
 * Ends the declaration of a verb: the options of every verb, an example, and what it does with the
 * table that they name. `work` gets the verb's argument last.
 */
export function addAction<Options extends TableOptions, Argument = string>(
  command: Command,
  { example, more = "" }: Help,
  context: CommandContext,
  work: (table: OpenTable, options: Options, argument: Argument) => Promise<void>,
): void {
  const { variables, tableClock } = context;
  // Else npm's own lines would get into the file.
  const npmRun = example.includes(" > ") ? "npm run -s" : "npm run";
  command
    .addOption(
      option(
        "--stack <name>",
        "the table of this stack on AWS (or LICENSE_SESSIONS_STACK)",
        stackSchema,
      ).conflicts(["table", "local"]),
    )
    .addOption(
      option("--table <name>", "the table of this name on AWS", tableSchema).conflicts("local"),
    )
    .option("--local", "the table of npm start, even if LICENSE_SESSIONS_STACK is set")
    .option("--json", "print JSON, always of the same shape")
    .addHelpText("after", `${more}\nExample:\n  ${npmRun} license -- ${example}`)
    .action(() => {
      const options: Options = command.opts();
      const [argument] = command.processedArgs;
      const choice = tableChoice(options, variables);
      return withTable(choice, variables, (table) => work(table, options, argument), tableClock);
    });
}

/**
 * The same for a verb that changes something. First prints which table it is, and where its history
 * is; records who makes the change.
 */
export function addChangingAction<Options extends ChangeOptions, Argument = string>(
  command: Command,
  help: Help,
  context: CommandContext,
  work: (table: OpenTable, note: ChangeNote, options: Options, argument: Argument) => Promise<void>,
): void {
  command
    .addOption(
      option(
        "--reason <text>",
        "why you make the change: kept with your name in the license and in the history",
        reasonSchema,
      ),
    )
    .option("--yes", "do not ask");
  addAction<Options, Argument>(command, help, context, async (table, options, argument) => {
    context.messages.write(`Working on ${table.place}. ${historyText(table.history)}\n`);
    const by = await table.operator();
    const note = { by, atMs: context.now(), reason: options.reason };
    await work(table, note, options, argument);
  });
}

function tableChoice(
  { stack, table, local }: TableOptions,
  { LICENSE_SESSIONS_STACK: byVariable }: Variables,
): TableChoice {
  const isNamed = stack !== undefined || table !== undefined || local;
  const stackName = !isNamed && byVariable ? readStack(byVariable) : stack;
  return { stackName, tableName: table };
}

const tableSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{3,255}$/)
  .describe("the name of a table");

const stackSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
  .describe("the name of a stack");

const readStack = readAs("LICENSE_SESSIONS_STACK", stackSchema);

const reasonSchema = z
  .string()
  .trim()
  .regex(/^[^\p{C}]{1,100}$/u)
  .describe("1 to 100 characters");
