import { endOfExport } from "./csv-line.ts";
import {
  type Header,
  type ImportRow,
  type RowReading,
  readHeader,
  readImportRow,
} from "./import-row.ts";
import { CsvFault, type CsvRow, csvRows } from "./read-csv.ts";

export type CheckedFile = {
  /** The rows that can be imported. */
  rows: ImportRow[];
  rejects: Reject[];
  unknownColumns: string[];
  headerCells: readonly string[];
  isExport: boolean;
  /** Whether nothing in the file can be imported, not even its good rows. */
  isBroken: boolean;
};

/** A bad row and what is wrong with it. */
type Reject = { problem: string; cells: readonly string[] };

type CheckReports = {
  /** Reports a problem of a row, or of the whole file. */
  onProblem(line: number, problem: string): void;
  /** Reports a problem of a row that is imported anyway. */
  onWarning(line: number, warning: string): void;
  /** Called with the number of rows read so far. */
  onRow(rowCount: number): void;
};

/**
 * Reads every row and reports each one that can't be imported, with its line and the reason.
 *
 * @throws the reason that `stop` was aborted with, or why the file can't be read
 */
export async function checkFile(
  file: string,
  reading: RowReading,
  stop: AbortSignal,
  { onProblem, onWarning, onRow }: CheckReports,
): Promise<CheckedFile> {
  let header: Header | undefined;
  let ended = false;
  let rowCount = 0;
  const checked: CheckedFile = {
    rows: [],
    rejects: [],
    unknownColumns: [],
    headerCells: [],
    isExport: false,
    isBroken: false,
  };
  const lineOf = new Map<string, number>();

  try {
    for await (const rows of csvRows(file)) {
      stop.throwIfAborted();
      for (const row of rows) {
        if (!header) checkHeader(row);
        else if (row.cells[0] === endOfExport) ended = true;
        else checkRow(header, row);
        if (checked.isBroken) return checked;
      }
    }
  } catch (error) {
    if (!(error instanceof CsvFault)) throw error;
    breakOff(error.line, `${error.message}; nothing after it could be read`);
    return checked;
  }
  if (!header) breakOff(1, "the file is empty; it has no header");
  else if (header.isExport && !ended) {
    breakOff(
      rowCount + 2,
      `this export is incomplete; a complete one ends with the line ${endOfExport}`,
    );
  }
  return checked;

  function checkHeader({ line, cells }: CsvRow): void {
    const result = readHeader(cells);
    if ("problem" in result) {
      breakOff(line, result.problem);
      return;
    }
    header = result.header;
    checked.headerCells = cells;
    checked.isExport = header.isExport;
    checked.unknownColumns = result.unknown;
  }

  function checkRow(known: Header, { line, cells }: CsvRow): void {
    onRow(++rowCount);
    const result = readImportRow(known, cells, reading);
    const earlierLine = "row" in result ? lineOf.get(result.row.licenseId) : undefined;
    if ("problems" in result || earlierLine !== undefined) {
      const same = `the same license as on line ${earlierLine}`;
      const problem = "problems" in result ? result.problems.join("; ") : same;
      checked.rejects.push({ problem, cells });
      onProblem(line, problem);
      return;
    }
    lineOf.set(result.row.licenseId, line);
    checked.rows.push(result.row);
    for (const warning of result.warnings) onWarning(line, warning);
  }

  function breakOff(line: number, problem: string): void {
    checked.isBroken = true;
    onProblem(line, problem);
  }
}
