import { resolve } from "node:path";
import type { Command } from "commander";
import type { ChangeNote } from "../data/change-note.ts";
import type { OpenTable } from "../data/with-table.ts";
import { type CheckedFile, checkFile } from "../import/check-file.ts";
import { type Counts, importRows } from "../import/import-rows.ts";
import { writeRejects } from "../import/rejects.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError, Interrupted } from "../terminal/command-error.ts";
import { confirm } from "../terminal/confirm.ts";
import { printResult } from "../terminal/print-result.ts";
import { shareText, startProgress } from "../terminal/progress.ts";
import { openHistory } from "./note-in-history.ts";
import { addChangingAction, type ChangeOptions } from "./table-options.ts";

type ImportOptions = ChangeOptions & {
  replace?: boolean;
  dryRun?: boolean;
  skipBad?: string;
  endOfDay?: boolean;
};

/** How many lines with the same warning are named. */
const mostNamed = 5;

export function addImportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("import")
    .argument("<file>", "a CSV file with a header")
    .description(
      "Imports licenses: from the old table, by psql's \\copy ... csv header (license_key, email, " +
        "license_type, license_status, license_expiration), or from an export (license_id and " +
        "more). Every row is checked before the first is written; if one is bad, nothing is written, " +
        "unless --skip-bad is given. Licenses that exist stay as they are, unless --replace is given. " +
        "If it is interrupted, run it again: what is already there is not written again.",
    )
    .option(
      "--replace",
      "licenses that exist become what the file says; their sessions stay, live or not. Asks",
    )
    .option(
      "--end-of-day",
      "an end that is a date without a time is the last instant of that day, not the first (UTC)",
    )
    .option("--dry-run", "check the file, say what would be done, and write nothing")
    .option(
      "--skip-bad <rejects.csv>",
      "import the good rows, and write the bad ones to this file, each with its reason: fix it and import it",
    );
  const more = `
The status may be active, suspended, cancelled or expired, in any case. Times without a zone are UTC;
an empty or infinite end means never. The file is UTF-8.
The fencing tokens of a license from an export go on from the table's time, so that none is granted twice.
`;
  const help = { example: "import licenses.csv --dry-run", more };
  addChangingAction<ImportOptions>(command, help, context, async (table, note, options, name) => {
    // npm runs a script in the folder of the project, and says here where the user is.
    const { INIT_CWD = "" } = context.variables;
    const file = resolve(INIT_CWD, name);
    const checked = await expectImportable(file, note.atMs, options, context);
    const { rows, rejects } = checked;
    if (options.replace && !options.dryRun) {
      await confirm(
        context,
        options,
        `Replace the licenses of ${rows.length} rows by what this file says, in ${table.place}? Their sessions stay.`,
      );
    }
    if (options.skipBad !== undefined && rejects.length > 0 && !options.dryRun) {
      writeRejects(resolve(INIT_CWD, options.skipBad), checked);
    }
    await importChecked(table, checked, note, options, context);
    if (rejects.length > 0) throw new CommandError(rejectsText(rejects.length, options));
  });
}

/** @throws CommandError, after reporting every bad line, if nothing may be imported */
async function expectImportable(
  file: string,
  nowMs: number,
  { skipBad, endOfDay = false }: ImportOptions,
  { messages, stop }: CommandContext,
): Promise<CheckedFile> {
  const progress = startProgress({ messages });
  const say = (line: number, text: string) => {
    progress.end();
    messages.write(`line ${line}: ${text}\n`);
  };
  const warned = new Map<string, number>();
  const checked = await checkFile(file, { nowMs, endOfDay }, stop, {
    onProblem: say,
    onWarning(line, warning) {
      const count = (warned.get(warning) ?? 0) + 1;
      warned.set(warning, count);
      if (count <= mostNamed) say(line, `warning: ${warning}`);
    },
    onRow: (rowCount) => progress.report(`${rowCount} rows checked (Ctrl-C stops)`),
  }).catch((error) => {
    if (stop.aborted) throw new Interrupted("Stopped; nothing was written.");
    throw error.syscall === undefined
      ? error
      : new CommandError(`${file} can't be read (${error.code}); nothing was written.`);
  });
  progress.end();
  for (const [warning, count] of warned) {
    if (count > mostNamed) messages.write(`and ${count - mostNamed} more lines: ${warning}\n`);
  }
  const { rejects, isBroken, unknownColumns } = checked;
  const badCount = rejects.length + (isBroken ? 1 : 0);
  if (isBroken || (badCount > 0 && skipBad === undefined)) {
    const lines = badCount === 1 ? "1 line is" : `${badCount} lines are`;
    throw new CommandError(
      `${lines} bad; nothing was written.${isBroken ? "" : " Fix the file, or use --skip-bad REJECTS.csv to import the other rows."}`,
    );
  }
  if (unknownColumns.length > 0) {
    messages.write(`Not imported: the columns ${unknownColumns.join(", ")}.\n`);
  }
  return checked;
}

async function importChecked(
  table: OpenTable,
  { rows, rejects }: CheckedFile,
  note: ChangeNote,
  { replace = false, dryRun = false, json }: ImportOptions,
  context: CommandContext,
): Promise<void> {
  const rowCount = rows.length;
  const progress = startProgress(context);
  const beganAtMs = performance.now();
  let pauses = 0;
  const history = openHistory(context, table, note, 500);
  const { counts, failure } = await importRows({
    table,
    rows,
    replace,
    dryRun,
    note,
    stop: context.stop,
    async onWritten(soFar, license_id, written) {
      const throttled = pauses > 0 ? `, ${pauses} pauses because of throttling` : "";
      const share = shareText(sum(soFar), rowCount, performance.now() - beganAtMs);
      progress.report(`${share}${throttled} (Ctrl-C stops)`);
      if (written === "kept" || dryRun) return;
      const { by, reason } = note;
      const changes = [`license: ${written}`];
      await history.add({
        event: "license_changed",
        verb: "import",
        license_id,
        by,
        reason,
        changes,
      });
    },
    onThrottled: () => {
      pauses += 1;
    },
  });
  progress.end();
  await history.flush();
  const complete = sum(counts) === rowCount && failure === undefined;
  const done = dryRun
    ? `would be ${counts.created} created, ${counts.replaced} replaced, ${counts.kept} left as they are`
    : `${counts.created} created, ${counts.replaced} replaced, ${counts.kept} left as they were`;
  if (json || complete) {
    const facts = { rows: rowCount, ...counts, bad: rejects.length, complete };
    const view = { table: table.place, dry_run: dryRun, ...facts };
    const text = `${rowCount} rows: ${done}, in ${table.place}.${dryRun ? " Nothing was written." : ""}\n`;
    await printResult(context, { json }, view, text);
  }
  if (complete) return;
  const soFar = `after ${sum(counts)} of ${rowCount} rows (${done}), in ${table.place}.`;
  const again = dryRun
    ? ""
    : " Run the same command again: it continues with the rows that are missing.";
  if (failure === undefined) throw new Interrupted(`Stopped ${soFar}${again}`);
  const reason = failure instanceof Error ? failure.message : String(failure);
  throw new CommandError(`Failed ${soFar}${again} The reason: ${reason}`);
}

function rejectsText(count: number, { skipBad, dryRun }: ImportOptions): string {
  const rows = count === 1 ? "1 bad row" : `${count} bad rows`;
  return dryRun
    ? `${rows} would go to ${skipBad}.`
    : `${rows} went to ${skipBad}, each with its reason. Fix that file, import it and delete it: it may hold keys.`;
}

function sum({ created, replaced, kept }: Counts): number {
  return created + replaced + kept;
}
