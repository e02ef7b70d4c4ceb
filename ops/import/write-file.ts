import { CsvError } from "csv-parse";
import { CommandError } from "../../engine/command-error.ts";
import type { TableHandle } from "../../licenses/table-handle.ts";
import { type Header, type ImportRow, readHeader, readImportRow } from "./import-row.ts";
import { csvRows } from "./read-csv.ts";
import { retryWhenThrottled } from "./retry-when-throttled.ts";
import { type Written, writeRow } from "./write-row.ts";

/** How many rows are being written at the same time. */
const writers = 32;

export type Counts = Record<Written, number>;

export type WriteOptions = {
  table: TableHandle;
  file: string;
  replace: boolean;
  nowMs: number;
  stop: AbortSignal;
  /** Told after each row. */
  onWritten(counts: Counts): void;
  onThrottled(): void;
};

/**
 * Writes every row of a file that was checked. After `stop`, or after a failure, what was begun is
 * ended first, so that what it tells is what was done.
 *
 * @returns what it was that broke it off, if anything did, and how far it came
 */
export async function writeFile(
  options: WriteOptions,
): Promise<{ counts: Counts; failure: unknown }> {
  const { table, file, replace, nowMs, stop, onWritten, onThrottled } = options;
  const counts: Counts = { created: 0, replaced: 0, kept: 0 };
  const rows = importRows(file);
  const broken = new AbortController();
  const ending = AbortSignal.any([stop, broken.signal]);

  async function writeOn(): Promise<void> {
    // All writers take from the one reader, so no more than one row for each is in memory.
    for (let next = await rows.next(); !next.done && !ending.aborted; next = await rows.next()) {
      const row = next.value;
      const written = await retryWhenThrottled(
        () => writeRow(table, row, replace, nowMs),
        ending,
        onThrottled,
      );
      counts[written] += 1;
      onWritten(counts);
    }
  }

  const results = await Promise.allSettled(
    Array.from({ length: writers }, () =>
      writeOn().catch((error) => {
        broken.abort();
        throw error;
      }),
    ),
  );
  await rows.return();
  const failed = results.filter((result) => result.status === "rejected");
  // The others may have failed only because the first one told them to stop waiting.
  const first = failed.find(({ reason }) => reason?.name !== "AbortError") ?? failed[0];
  return { counts, failure: stop.aborted ? undefined : first?.reason };
}

async function* importRows(file: string): AsyncGenerator<ImportRow, void> {
  let header: Header | undefined;
  try {
    for await (const { cells } of csvRows(file)) {
      if (!header) {
        const result = readHeader(cells);
        if ("problem" in result) throw changed();
        header = result.header;
        continue;
      }
      const result = readImportRow(header, cells);
      if ("problems" in result) throw changed();
      yield result.row;
    }
  } catch (error) {
    throw error instanceof CsvError ? changed() : error;
  }
}

function changed(): CommandError {
  return new CommandError("The file has changed since it was checked.");
}
