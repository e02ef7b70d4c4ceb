import { readFileSync, writeFileSync } from "node:fs";
import { CommandError } from "../terminal/command-error.ts";
import type { CheckedFile } from "./check-file.ts";
import { csvLine, endOfExport } from "./csv-line.ts";
import { reasonColumn } from "./import-row.ts";

/**
 * Writes the bad rows of a file, each with the reason, to a file that can be corrected and
 * imported. It may contain keys, so only its owner can read it. An existing file is not
 * overwritten.
 *
 * @throws CommandError if it can't be written, or a file with other content exists
 */
export function writeRejects(file: string, { headerCells, isExport, rejects }: CheckedFile): void {
  const before = headerCells.findIndex((name) => name.trim().toLowerCase() === reasonColumn);
  const withReason = (reason: string, cells: readonly string[]) =>
    // A rejects file that was partly corrected already has the column.
    csvLine(
      before < 0 ? [reason, ...cells] : cells.with(Math.min(before, cells.length - 1), reason),
    );
  const text = [
    withReason(reasonColumn, headerCells),
    ...rejects.map(({ problem, cells }) => withReason(problem, cells)),
    ...(isExport ? [`${endOfExport}\n`] : []),
  ].join("");
  try {
    writeFileSync(file, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    // A resumed import produces the same rejects again.
    if (code === "EEXIST" && holds(file, text)) return;
    throw new CommandError(
      code === "EEXIST"
        ? `${file} already exists with other content: name another file. Nothing was written.`
        : `${file} can't be written (${code ?? error}); nothing was written.`,
    );
  }
}

function holds(file: string, text: string): boolean {
  try {
    return readFileSync(file, "utf8") === text;
  } catch {
    return false;
  }
}
