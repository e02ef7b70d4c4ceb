import type { Command } from "commander";
import { Option } from "commander";
import * as z from "zod";
import { type OpenTable, withTable } from "../../licenses/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { readAs } from "../terminal/option-readers.ts";

export type TableOptions = { stack?: string; table?: string; json?: true };

/** The options of every verb: which table, and in which shape it answers. */
export function addTableOptions(command: Command): Command {
  return command
    .addOption(
      new Option("--stack <name>", "the table of this stack on AWS; without it, that of npm start")
        .argParser(readAs("--stack", stackSchema))
        .conflicts("table"),
    )
    .option("--table <name>", "the table of this name on AWS", readAs("--table", tableSchema))
    .option("--json", "print JSON, always of the same shape");
}

/** Opens the table that the options of a verb name. */
export function withNamedTable<Result>(
  { stack, table }: TableOptions,
  context: CommandContext,
  work: (table: OpenTable) => Promise<Result>,
): Promise<Result> {
  return withTable({ stackName: stack, tableName: table }, context.variables, work);
}

const tableSchema = z
  .string()
  .regex(/^[A-Za-z0-9_.-]{3,255}$/)
  .describe("the name of a table");

const stackSchema = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9-]{0,127}$/)
  .describe("the name of a stack");
