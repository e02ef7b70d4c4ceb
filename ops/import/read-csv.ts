import { createReadStream } from "node:fs";
import { finished } from "node:stream/promises";
import { CsvError, type Parser, parse } from "csv-parse";

/** One record of a CSV file, and the line that it begins on. */
export type CsvRow = { line: number; cells: readonly string[] };

/** Names the line that is not CSV. The rest of the file can't be parsed. */
export class CsvFault extends Error {
  override name = "CsvFault";
  readonly line: number;
  constructor(line: number, problem: string) {
    super(problem);
    this.line = line;
  }
}

/**
 * The rows of a file, a few hundred at a time, without blank lines. Accepts UTF-8 with or without a
 * byte order mark, and LF or CRLF.
 *
 * @throws CsvFault where the file is not CSV, or not UTF-8
 */
export async function* csvRows(file: string): AsyncGenerator<CsvRow[], void> {
  const rows: CsvRow[] = [];
  const { parser, nextLine } = openCsv((row) => rows.push(row));
  const ended = finished(parser.resume());
  ended.catch(() => {});
  try {
    for await (const text of textOf(file)) {
      parser.write(text);
      yield rows.splice(0);
    }
    parser.end();
    await ended;
  } catch (error) {
    const problem = inWords(error);
    throw problem === undefined ? error : new CsvFault(nextLine(), problem);
  }
  yield rows.splice(0);
}

async function* textOf(file: string): AsyncGenerator<string, void> {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    yield decoder.decode(chunk, { stream: true });
  }
  yield decoder.decode();
}

function openCsv(onRow: (row: CsvRow) => void): { parser: Parser; nextLine(): number } {
  let line = 1;
  const parser = parse({
    raw: true,
    // `readImportRow` knows the header, so it checks the number of columns.
    relax_column_count: true,
    on_record(given: unknown) {
      const { record, raw } = withRawText(given);
      const begun = line;
      // The parser's own line counter counts CRLF within quotes twice.
      line += raw.match(/\r\n|\r|\n/g)?.length ?? 0;
      if (record.length > 1 || record[0]?.trim()) onRow({ line: begun, cells: record });
      return null;
    },
  });
  return { parser, nextLine: () => line };
}

/** The form of a record with the option `raw`, which the parser's types don't cover. */
function withRawText(given: unknown): { record: string[]; raw: string } {
  return given as { record: string[]; raw: string };
}

function inWords(error: unknown): string | undefined {
  if (error instanceof TypeError) {
    return "this line or a later one is not UTF-8; export it again with PGCLIENTENCODING=UTF8";
  }
  if (!(error instanceof CsvError)) return undefined;
  switch (error.code) {
    case "CSV_QUOTE_NOT_CLOSED":
      return "a quote is opened and never closed";
    case "INVALID_OPENING_QUOTE":
      return "a quote appears in a field that does not begin with one";
    case "CSV_INVALID_CLOSING_QUOTE":
      return "something follows a closing quote; a quote within quotes is written twice";
    default:
      return `it is not CSV (${error.code})`;
  }
}
