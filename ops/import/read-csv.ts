import { createReadStream } from "node:fs";
import { finished, pipeline } from "node:stream/promises";
import { CsvError, type Parser, parse } from "csv-parse";

/** One record of a CSV file, and the line of the file that it begins on. */
export type CsvRow = { line: number; cells: readonly string[] };

/** The line that is no CSV. What follows it can't be told apart. */
export type CsvFault = { line: number; problem: string };

/**
 * Gives each row of a file, one at a time. Blank lines are passed over; a byte order mark and
 * either kind of line end are understood.
 *
 * @returns what broke the reading off, if something in the file did
 */
export async function eachCsvRow(
  file: string,
  stop: AbortSignal,
  onRow: (row: CsvRow) => void,
): Promise<CsvFault | undefined> {
  const reading = openCsv(onRow);
  try {
    await pipeline(createReadStream(file), reading.parser.resume(), { signal: stop });
    return undefined;
  } catch (error) {
    if (error instanceof CsvError) return { line: reading.nextLine(), problem: inWords(error) };
    throw error;
  }
}

/** The rows of a file as they are asked for. Throws what the parser throws. */
export async function* csvRows(file: string): AsyncGenerator<CsvRow, void> {
  const rows: CsvRow[] = [];
  const { parser } = openCsv((row) => rows.push(row));
  const ended = finished(parser.resume());
  ended.catch(() => {});
  for await (const chunk of createReadStream(file)) {
    parser.write(chunk);
    yield* rows.splice(0);
  }
  parser.end();
  await ended;
  yield* rows.splice(0);
}

function openCsv(onRow: (row: CsvRow) => void): { parser: Parser; nextLine(): number } {
  let line = 1;
  const parser = parse({
    bom: true,
    raw: true,
    // Counted by whoever knows the header, so that every such line is told of.
    relax_column_count: true,
    on_record(given: unknown) {
      const { record, raw } = withRawText(given);
      const begun = line;
      // The parser counts the line ends within quotes twice when they are CRLF.
      line += raw.match(/\r\n|\r|\n/g)?.length ?? 0;
      if (record.length > 1 || record[0]?.trim()) onRow({ line: begun, cells: record });
      return null;
    },
  });
  return { parser, nextLine: () => line };
}

/** What the option `raw` makes of a record; the types of the parser don't know of it. */
function withRawText(given: unknown): { record: string[]; raw: string } {
  return given as { record: string[]; raw: string };
}

function inWords({ code }: CsvError): string {
  switch (code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quote is opened and never closed";
    case "INVALID_OPENING_QUOTE":
      return "a quote stands within a field that does not begin with one";
    case "CSV_INVALID_CLOSING_QUOTE":
      return "something follows a closing quote; a quote within quotes is written twice";
    default:
      return `it is no CSV (${code})`;
  }
}
