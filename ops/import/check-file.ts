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
  /** The number of rows below the header, including bad ones. */
  rowCount: number;
  badLines: Set<number>;
  unknownColumns: string[];
  headerCells: readonly string[];
  isExport: boolean;
  /** Whether nothing in the file can be imported, not even its good rows. */
  isBroken: boolean;
};

type CheckReports = {
  /** Reports a problem of a row, or of the whole file. `cells` are given if it is a row. */
  onProblem(line: number, problem: string, cells?: readonly string[]): void;
  /** Reports a problem of a row that is imported anyway. */
  onWarning(line: number, warning: string): void;
  /** Called with the number of rows read so far, and with the row unless it is bad. */
  onRow(rowCount: number, row: ImportRow | undefined): void;
};

/**
 * Reads every row and reports each one that can't be imported, with its line and the reason.
 *
 * @throws the reason that `stop` was aborted with
 */
export async function checkFile(
  file: string,
  reading: RowReading,
  stop: AbortSignal,
  { onProblem, onWarning, onRow }: CheckReports,
): Promise<CheckedFile> {
  let header: Header | undefined;
  let ended = false;
  const checked: CheckedFile = {
    rowCount: 0,
    badLines: new Set(),
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
      checked.rowCount + 2,
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
    checked.rowCount += 1;
    const result = readImportRow(known, cells, reading);
    onRow(checked.rowCount, "row" in result ? result.row : undefined);
    if ("problems" in result) {
      refuse(line, result.problems.join("; "), cells);
      return;
    }
    const { licenseId } = result.row;
    const earlierLine = lineOf.get(licenseId);
    if (earlierLine !== undefined) {
      refuse(line, `the same license as on line ${earlierLine}`, cells);
      return;
    }
    lineOf.set(licenseId, line);
    for (const warning of result.warnings) onWarning(line, warning);
  }

  function refuse(line: number, problem: string, cells: readonly string[]): void {
    checked.badLines.add(line);
    onProblem(line, problem, cells);
  }

  function breakOff(line: number, problem: string): void {
    checked.isBroken = true;
    checked.badLines.add(line);
    onProblem(line, problem);
  }
}
