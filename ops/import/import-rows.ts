import {
  BatchGetCommand,
  type BatchGetCommandInput,
  type BatchGetCommandOutput,
} from "@aws-sdk/lib-dynamodb";
import type { TableHandle } from "../data/table-handle.ts";
import type { ImportRow } from "./import-row.ts";
import { retryWhenThrottled } from "./retry-when-throttled.ts";
import { judgeRow, type SeenItem, type WriteMode, type Written, writeRow } from "./write-row.ts";

/** How many rows are written concurrently. */
const writers = 32;
/** How many licenses are read by one call. */
const batchSize = 20;

export type Counts = Record<Written, number>;

type WriteOptions = WriteMode & {
  table: TableHandle;
  rows: readonly ImportRow[];
  /** Writes nothing and only counts what would be done. */
  dryRun: boolean;
  stop: AbortSignal;
  /** Called and awaited after each row. */
  onWritten(counts: Counts, licenseId: string, written: Written): Promise<void>;
  onThrottled(): void;
};

/**
 * Writes rows. Those that are already stored are not written again, so that an interrupted import
 * resumes where it stopped. After `stop` or a failure, rows in progress are finished, so that the
 * counts are correct.
 *
 * @returns the counts, and the failure that ended the import, if any
 */
export async function importRows(
  options: WriteOptions,
): Promise<{ counts: Counts; failure: unknown }> {
  const { table, rows, dryRun, stop, onWritten, onThrottled } = options;
  const counts: Counts = { created: 0, replaced: 0, kept: 0 };
  let next = 0;
  const broken = new AbortController();
  const ending = AbortSignal.any([stop, broken.signal]);
  const withRetries = <Result>(work: () => Promise<Result>) =>
    retryWhenThrottled(work, ending, onThrottled);

  async function writeOn(): Promise<void> {
    while (next < rows.length && !ending.aborted) {
      const batch = rows.slice(next, next + batchSize);
      next += batchSize;
      const seen = await withRetries(() => readItems(table, batch));
      for (const row of batch) {
        if (ending.aborted) return;
        const item = seen.get(row.licenseId);
        const written = dryRun
          ? judgeRow(row, item, options)
          : await withRetries(() => writeRow(table, row, item, options));
        counts[written] += 1;
        await onWritten(counts, row.licenseId, written);
      }
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
  let asked: BatchGetCommandInput["RequestItems"] = { [tableName]: all };
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
