import { ScanCommand, type ScanCommandInput } from "@aws-sdk/lib-dynamodb";
import { Interrupted } from "../terminal/command-error.ts";
import type { TableHandle } from "./table-handle.ts";

export type Page = {
  items: readonly Record<string, unknown>[];
  /** How many items were read so far, including those that a filter left out. */
  scannedCount: number;
};

/**
 * Scans the table with one page in memory at a time. Reads only the pages that are consumed.
 *
 * @throws Interrupted with the progress so far, when `stop` aborts
 */
export async function* scanPages(
  { client, tableName }: TableHandle,
  input: Omit<ScanCommandInput, "TableName">,
  stop: AbortSignal,
): AsyncGenerator<Page, void> {
  let scannedCount = 0;
  let startKey = input.ExclusiveStartKey;
  do {
    try {
      stop.throwIfAborted();
      const { Items, ScannedCount, LastEvaluatedKey } = await client.send(
        new ScanCommand({ ...input, TableName: tableName, ExclusiveStartKey: startKey }),
        { abortSignal: stop },
      );
      scannedCount += ScannedCount ?? 0;
      startKey = LastEvaluatedKey;
      yield { items: Items ?? [], scannedCount };
    } catch (error) {
      if (stop.aborted) throw new Interrupted(`Stopped after ${scannedCount} licenses.`);
      throw error;
    }
  } while (startKey);
}
