import { stat } from "node:fs/promises";
import type { Command } from "commander";
import { CommandError } from "../../engine/command-error.ts";
import { Interrupted } from "../../engine/interrupted.ts";
import type { TableHandle } from "../../licenses/table-handle.ts";
import { type CheckedFile, checkFile } from "../import/check-file.ts";
import { type Counts, writeFile } from "../import/write-file.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { confirm } from "../terminal/confirm.ts";
import { startProgress } from "../terminal/progress.ts";
import { write } from "../terminal/write.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type ImportOptions = TableOptions & { replace?: true; yes?: true };

/** Adds `import`, which brings licenses over from the old system or from an export. */
export function addImportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("import")
    .argument("<file>", "a CSV file with a header")
    .description(
      "Brings licenses over: from the old table, by psql's \\copy ... csv header (license_key, email, " +
        "license_type, license_status, license_expiration), or from an export (license_id and " +
        "more). Every row is checked before the first is written. Licenses that exist stay as they " +
        "are. If it is interrupted, run it again.",
    )
    .option(
      "--replace",
      "licenses that exist become what the file says; their sessions stay, live or not. Asks",
    )
    .option("--yes", "do not ask");
  addTableOptions(command)
    .addHelpText("after", "\nExample:\n  npm run license -- import licenses.csv")
    .action((file: string, options: ImportOptions) =>
      withNamedTable(options, context, async (table) => {
        const { rowCount } = await expectGood(file, context);
        if (options.replace) {
          await confirm(
            context,
            options,
            `Let the ${rowCount} rows of this file replace what is stored of their licenses? Sessions stay.`,
          );
        }
        await importChecked(table, file, rowCount, options, context);
      }),
    );
}

/** @throws CommandError, after it has told of every line that is bad */
async function expectGood(file: string, context: CommandContext): Promise<CheckedFile> {
  const { messages, stop } = context;
  await expectFile(file);
  const progress = startProgress(context);
  const checked = await checkFile(
    file,
    stop,
    (line, problem) => {
      progress.end();
      messages.write(`line ${line}: ${problem}\n`);
    },
    (rowCount) => progress.tell(`${rowCount} rows checked (Ctrl-C stops)`),
  ).catch((error) => {
    throw stop.aborted ? new Interrupted("Stopped; nothing was written.") : error;
  });
  progress.end();
  if (checked.problemCount > 0) {
    const lines = checked.problemCount === 1 ? "1 line is" : `${checked.problemCount} lines are`;
    throw new CommandError(`${lines} bad; nothing was written.`);
  }
  if (checked.unknownColumns.length > 0) {
    messages.write(`Not imported: the columns ${checked.unknownColumns.join(", ")}.\n`);
  }
  return checked;
}

async function expectFile(file: string): Promise<void> {
  const found = await stat(file).catch((error) => {
    throw new CommandError(`${file} can't be read (${error.code}); nothing was written.`);
  });
  if (!found.isFile()) {
    throw new CommandError(`${file} is no file; it is read twice, so it can't be a pipe either.`);
  }
}

async function importChecked(
  table: TableHandle,
  file: string,
  rowCount: number,
  { replace, json }: ImportOptions,
  context: CommandContext,
): Promise<void> {
  const { output, stop, now } = context;
  const progress = startProgress(context);
  let pauses = 0;
  const { counts, failure } = await writeFile({
    table,
    file,
    replace: replace === true,
    nowMs: now(),
    stop,
    onWritten: (soFar) =>
      progress.tell(
        `${sum(soFar)} of ${rowCount} rows${pauses > 0 ? `, ${pauses} pauses because of throttling` : ""} (Ctrl-C stops)`,
      ),
    onThrottled: () => {
      pauses += 1;
    },
  });
  progress.end();
  const complete = sum(counts) === rowCount;
  if (json) await write(output, `${JSON.stringify({ rows: rowCount, ...counts, complete })}\n`);
  if (complete && failure === undefined) {
    if (!json) await write(output, `${rowCount} rows: ${inWords(counts)}.\n`);
    return;
  }
  const soFar = `after ${sum(counts)} of ${rowCount} rows (${inWords(counts)}). Run the same command again to go on.`;
  if (failure === undefined) throw new Interrupted(`Stopped ${soFar}`);
  const reason = failure instanceof Error ? failure.message : String(failure);
  throw new CommandError(`Broken off ${soFar} It was: ${reason}`);
}

function sum({ created, replaced, kept }: Counts): number {
  return created + replaced + kept;
}

function inWords({ created, replaced, kept }: Counts): string {
  return `${created} created, ${replaced} replaced, ${kept} left as they were`;
}
