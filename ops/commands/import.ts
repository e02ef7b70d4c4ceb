import { stat } from "node:fs/promises";
import type { Command } from "commander";
import type { ChangeNote } from "../data/change-note.ts";
import type { ChangeLine } from "../data/record-changes.ts";
import type { OpenTable } from "../data/with-table.ts";
import { type AdminKeyCheck, adminKeyTexts, checkAdminKey } from "../import/check-admin-key.ts";
import { type CheckedFile, checkFile } from "../import/check-file.ts";
import { type Counts, importFile } from "../import/import-file.ts";
import type { RowReading } from "../import/import-row.ts";
import { type Reject, writeRejects } from "../import/rejects.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError, Interrupted } from "../terminal/command-error.ts";
import { confirm } from "../terminal/confirm.ts";
import { printResult } from "../terminal/print-result.ts";
import { shareText, startProgress } from "../terminal/progress.ts";
import { userPath } from "../terminal/user-path.ts";
import { writeInHistory } from "./note-in-history.ts";
import { addChangeOptions, type ChangeOptions, withChangedTable } from "./table-options.ts";

type ImportOptions = ChangeOptions & {
  replace?: true;
  dryRun?: true;
  skipBad?: string;
  endOfDay?: true;
};

/** How many lines with the same warning are named. */
const mostNamed = 5;

/** How many history lines are written in one batch. */
const linesAtOnce = 500;

/** Adds `import`, which imports licenses from the old system or from an export. */
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
  addChangeOptions(command)
    .addHelpText(
      "after",
      `
The status may be active, suspended, cancelled or expired, in any case. Times without a zone are UTC;
an empty or infinite end means never. The file is UTF-8.
The old server's admin key is valid there without a row in users. OLD_ADMIN_KEY, set to it, lets the check say
whether the file has it: without a license, its bots stop at their first heartbeat.
The fencing tokens of a license from an export go on from the table's time, so that none is granted twice.

Example:
  npm run license -- import licenses.csv --dry-run`,
    )
    .action((name: string, options: ImportOptions) =>
      withChangedTable(options, context, async (table, note) => {
        const file = userPath(name, context.variables);
        const reading = { nowMs: note.atMs, endOfDay: options.endOfDay === true };
        const { checked, rejects, adminKey } = await expectImportable(
          file,
          reading,
          options,
          context,
        );
        if (options.replace && !options.dryRun) {
          await confirm(
            context,
            options,
            `Replace the licenses of ${checked.rowCount - rejects.length} rows by what this file says, in ${table.place}? Their sessions stay.`,
          );
        }
        if (options.skipBad !== undefined && rejects.length > 0 && !options.dryRun) {
          writeRejects(userPath(options.skipBad, context.variables), checked, rejects);
        }
        await importChecked(table, file, note, reading, checked, adminKey, options, context);
        if (rejects.length > 0) throw new CommandError(rejectsText(rejects.length, options));
      }),
    );
}

/** @throws CommandError, after reporting every bad line, if nothing may be imported */
async function expectImportable(
  file: string,
  reading: RowReading,
  { skipBad, dryRun }: ImportOptions,
  { messages, stop, variables }: CommandContext,
): Promise<{ checked: CheckedFile; rejects: Reject[]; adminKey: AdminKeyCheck }> {
  await expectFile(file);
  const progress = startProgress({ messages });
  const rejects: Reject[] = [];
  const say = (line: number, text: string) => {
    progress.end();
    messages.write(`line ${line}: ${text}\n`);
  };
  const warned = new Map<string, number>();
  const adminKey = checkAdminKey(variables);
  const checked = await checkFile(file, reading, stop, {
    onProblem(line, problem, cells) {
      say(line, problem);
      if (cells && skipBad !== undefined) rejects.push({ problem, cells });
    },
    onWarning(line, warning) {
      const count = (warned.get(warning) ?? 0) + 1;
      warned.set(warning, count);
      if (count <= mostNamed) say(line, `warning: ${warning}`);
    },
    onRow(rowCount, row) {
      if (row) adminKey.look(row);
      progress.report(`${rowCount} rows checked (Ctrl-C stops)`);
    },
  }).catch((error) => {
    throw stop.aborted ? new Interrupted("Stopped; nothing was written.") : error;
  });
  progress.end();
  for (const [warning, count] of warned) {
    if (count > mostNamed) messages.write(`and ${count - mostNamed} more lines: ${warning}\n`);
  }
  const admin = checked.isExport || checked.isBroken ? "not asked" : adminKey.result();
  if (dryRun || admin === "missing") messages.write(adminKeyTexts[admin]);
  if (checked.badLines.size > 0 && (skipBad === undefined || checked.isBroken)) {
    const lines = checked.badLines.size === 1 ? "1 line is" : `${checked.badLines.size} lines are`;
    throw new CommandError(
      `${lines} bad; nothing was written.${checked.isBroken ? "" : " Fix the file, or use --skip-bad REJECTS.csv to import the other rows."}`,
    );
  }
  if (checked.unknownColumns.length > 0) {
    messages.write(`Not imported: the columns ${checked.unknownColumns.join(", ")}.\n`);
  }
  return { checked, rejects, adminKey: admin };
}

async function expectFile(file: string): Promise<void> {
  const found = await stat(file).catch((error) => {
    throw new CommandError(`${file} can't be read (${error.code}); nothing was written.`);
  });
  if (!found.isFile()) {
    throw new CommandError(
      `${file} is not a regular file. It is read twice, so it can't be a pipe.`,
    );
  }
}

async function importChecked(
  table: OpenTable,
  file: string,
  note: ChangeNote,
  reading: RowReading,
  { rowCount: allCount, badLines }: CheckedFile,
  adminKey: AdminKeyCheck,
  { replace, dryRun, json }: ImportOptions,
  context: CommandContext,
): Promise<void> {
  const { stop } = context;
  const rowCount = allCount - badLines.size;
  const progress = startProgress(context);
  const beganAtMs = performance.now();
  let pauses = 0;
  let unrecorded: ChangeLine[] = [];
  const recordThem = async () => {
    const lines = unrecorded;
    unrecorded = [];
    if (lines.length > 0) await writeInHistory(context, table, note, lines);
  };
  const { counts, failure } = await importFile({
    table,
    file,
    replace: replace === true,
    dryRun: dryRun === true,
    badLines,
    reading,
    note,
    stop,
    onWritten(soFar, license_id, written) {
      if (written !== "kept" && !dryRun) {
        const { by, reason } = note;
        const changes = [`license: ${written}`];
        unrecorded.push({
          event: "license_changed",
          verb: "import",
          license_id,
          by,
          reason,
          changes,
        });
      }
      progress.report(
        `${shareText(sum(soFar), rowCount, performance.now() - beganAtMs)}${pauses > 0 ? `, ${pauses} pauses because of throttling` : ""} (Ctrl-C stops)`,
      );
    },
    afterBatch: async () => {
      if (unrecorded.length >= linesAtOnce) await recordThem();
    },
    onThrottled: () => {
      pauses += 1;
    },
  });
  progress.end();
  await recordThem();
  const complete = sum(counts) === rowCount && failure === undefined;
  const done = dryRun
    ? `would be ${counts.created} created, ${counts.replaced} replaced, ${counts.kept} left as they are`
    : `${counts.created} created, ${counts.replaced} replaced, ${counts.kept} left as they were`;
  if (json || complete) {
    const facts = { rows: rowCount, ...counts, bad: badLines.size, complete };
    const view = {
      ...{ table: table.place, dry_run: dryRun === true, ...facts },
      old_admin_key: adminKey,
    };
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
