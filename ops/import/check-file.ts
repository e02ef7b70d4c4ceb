import { type Header, readHeader, readImportRow } from "./import-row.ts";
import { type CsvRow, eachCsvRow } from "./read-csv.ts";

export type CheckedFile = { rowCount: number; problemCount: number; unknownColumns: string[] };

/**
 * Reads every row and tells of each that can't be imported: what is wrong, and on which line.
 *
 * @param onProblem told of each as it is found
 * @param onRow told how many rows were read so far
 */
export async function checkFile(
  file: string,
  stop: AbortSignal,
  onProblem: (line: number, problem: string) => void,
  onRow: (rowCount: number) => void,
): Promise<CheckedFile> {
  let header: Header | undefined;
  const checked: CheckedFile = { rowCount: 0, problemCount: 0, unknownColumns: [] };
  const lineOf = new Map<string, number>();

  const fault = await eachCsvRow(file, stop, (row) => {
    if (checked.rowCount === 0 && !header && checked.problemCount === 0) checkHeader(row);
    else if (header) checkRow(header, row);
  });
  if (fault) complain(fault.line, `${fault.problem}; nothing after it could be read`);
  else if (!header && checked.problemCount === 0)
    complain(1, "the file is empty; it has no header");
  return checked;

  function checkHeader({ line, cells }: CsvRow): void {
    const result = readHeader(cells);
    if ("problem" in result) {
      complain(line, result.problem);
      return;
    }
    header = result.header;
    checked.unknownColumns = result.unknown;
  }

  function checkRow(known: Header, { line, cells }: CsvRow): void {
    checked.rowCount += 1;
    onRow(checked.rowCount);
    const result = readImportRow(known, cells);
    if ("problems" in result) {
      complain(line, result.problems.join("; "));
      return;
    }
    const { licenseId } = result.row;
    const earlierLine = lineOf.get(licenseId);
    if (earlierLine === undefined) lineOf.set(licenseId, line);
    else complain(line, `the same license as on line ${earlierLine}`);
  }

  function complain(line: number, problem: string): void {
    checked.problemCount += 1;
    onProblem(line, problem);
  }
}
