import {
  BatchGetCommand,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
} from "@aws-sdk/lib-dynamodb";
import type { TableHandle } from "../data/table-handle.ts";
import { CommandError } from "../terminal/command-error.ts";
import { endOfExport } from "./csv-line.ts";
import {
  type Header,
  type ImportRow,
  type RowReading,
  readHeader,
  readImportRow,
} from "./import-row.ts";
import { CsvFault, csvRows } from "./read-csv.ts";
import { retryWhenThrottled } from "./retry-when-throttled.ts";
import { judgeRow, type SeenItem, type WriteMode, type Written, writeRow } from "./write-row.ts";

/** How many rows are written concurrently. */
const writers = 32;
/** How many licenses are read by one call. */
const batchSize = 20;

export type Counts = Record<Written, number>;

type WriteOptions = WriteMode & {
  reading: RowReading;
  table: TableHandle;
  file: string;
  /** Writes nothing and only counts what would be done. */
  dryRun: boolean;
  /** Bad lines, which are skipped. */
  badLines: ReadonlySet<number>;
  stop: AbortSignal;
  /** Called after each row. */
  onWritten(counts: Counts, licenseId: string, written: Written): void;
  /** Called and awaited after each batch of rows. */
  afterBatch(): Promise<void>;
  onThrottled(): void;
};

/**
 * Writes the rows of a checked file. Rows that are already stored are not written again, so that an
 * interrupted import resumes where it stopped. After `stop` or a failure, rows in progress are
 * finished, so that the counts are correct.
 *
 * @returns the counts, and the failure that ended the import, if any
 */
export async function importFile(
  options: WriteOptions,
): Promise<{ counts: Counts; failure: unknown }> {
  const { table, dryRun, stop, onWritten, afterBatch, onThrottled } = options;
  const counts: Counts = { created: 0, replaced: 0, kept: 0 };
  const batches = rowBatches(options);
  const broken = new AbortController();
  const ending = AbortSignal.any([stop, broken.signal]);
  const withRetries = <Result>(work: () => Promise<Result>) =>
    retryWhenThrottled(work, ending, onThrottled);

  async function writeOn(): Promise<void> {
    // All writers share one reader, so that at most one batch per writer is in memory.
    for (let next = await batches.next(); !next.done; next = await batches.next()) {
      const rows = next.value;
      if (ending.aborted) return;
      const seen = await withRetries(() => readItems(table, rows));
      for (const row of rows) {
        if (ending.aborted) return;
        const item = seen.get(row.licenseId);
        const written = dryRun
          ? judgeRow(row, item, options)
          : await withRetries(() => writeRow(table, row, item, options));
        counts[written] += 1;
        onWritten(counts, row.licenseId, written);
      }
      await afterBatch();
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
  await batches.return();
  const failed = results.filter((result) => result.status === "rejected");
  // Other writers may have failed only because the first failure aborted their pauses.
  const first = failed.find(({ reason }) => reason?.name !== "AbortError") ?? failed[0];
  return { counts, failure: stop.aborted ? undefined : first?.reason };
}

async function readItems(
  { client, tableName }: TableHandle,
  rows: readonly ImportRow[],
): Promise<Map<string, SeenItem>> {
  const seen = new Map<string, SeenItem>();
  const all = { Keys: rows.map(({ licenseId }) => ({ license_id: licenseId })) };
  let asked: BatchGetCommandInput["RequestItems"] = rows.length > 0 ? { [tableName]: all } : {};
  while (asked && Object.keys(asked).length > 0) {
    const answer: BatchGetCommandOutput = await client.send(
      new BatchGetCommand({ RequestItems: asked }),
    );
    for (const item of answer.Responses?.[tableName] ?? []) {
      seen.set(String(item.license_id), item);
    }
    asked = answer.UnprocessedKeys;
  }
  return seen;
}

async function* rowBatches({
  file,
  badLines,
  reading,
}: WriteOptions): AsyncGenerator<ImportRow[], void> {
  let header: Header | undefined;
  let batch: ImportRow[] = [];
  try {
    for await (const rows of csvRows(file)) {
      for (const { line, cells } of rows) {
        if (!header) {
          const result = readHeader(cells);
          if ("problem" in result) throw changed();
          header = result.header;
          continue;
        }
        if (badLines.has(line) || cells[0] === endOfExport) continue;
        const result = readImportRow(header, cells, reading);
        if ("problems" in result) throw changed();
        batch.push(result.row);
        if (batch.length < batchSize) continue;
        yield batch;
        batch = [];
      }
    }
  } catch (error) {
    throw error instanceof CsvFault ? changed() : error;
  }
  yield batch;
}

function changed(): CommandError {
  return new CommandError("The file has changed since it was checked.");
}
