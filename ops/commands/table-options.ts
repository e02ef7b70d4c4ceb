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

/** Adds the options of every verb: the table, and the output format. */
export function addTableOptions(command: Command): Command {
  return command
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
    .option("--json", "print JSON, always of the same shape");
}

/** Adds the options of every verb that changes something. */
export function addChangeOptions(command: Command): Command {
  return addTableOptions(
    command
      .addOption(
        option(
          "--reason <text>",
          "why you make the change: kept with your name in the license and in the history",
          reasonSchema,
        ),
      )
      .option("--yes", "do not ask"),
  );
}

/** Opens the table that the options of a verb name. */
export function withNamedTable<Result>(
  options: TableOptions,
  { variables, tableClock }: CommandContext,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  return withTable(tableChoice(options, variables), variables, work, tableClock);
}

/**
 * Opens the table for a change. First prints which table it is, and where its history is; records
 * who makes the change.
 */
export function withChangedTable<Result>(
  options: ChangeOptions,
  context: CommandContext,
  work: (table: OpenTable, note: ChangeNote) => Promise<Result>,
): Promise<Result> {
  return withNamedTable(options, context, async (table) => {
    context.messages.write(`Working on ${table.place}. ${historyText(table.history)}\n`);
    return work(table, {
      by: await table.operator(),
      atMs: context.now(),
      reason: options.reason,
    });
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
