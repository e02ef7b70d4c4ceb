import type { ScanCommandInput } from "@aws-sdk/lib-dynamodb";
import { readItem } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { LicenseTable } from "./license-table.ts";
import { startProgress } from "./progress.ts";
import { Refusal } from "./refusal.ts";
import { scanPages } from "./scan-pages.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Reads through the licenses, a page of them in memory at a time, and shows progress on a terminal.
 * An item that is no license is told of and left out.
 *
 * @throws Refusal at the end if something was left out
 */
export async function* scanLicenses(
  table: LicenseTable,
  input: Omit<ScanCommandInput, "TableName">,
  surroundings: Surroundings,
): AsyncGenerator<readonly LicenseItem[], void> {
  const progress = startProgress(surroundings);
  let leftOut = 0;
  try {
    for await (const { items, scannedCount } of scanPages(table, input, surroundings.stop)) {
      const licenses: LicenseItem[] = [];
      for (const item of items) {
        try {
          licenses.push(readItem(item));
        } catch (error) {
          if (!(error instanceof Refusal)) throw error;
          leftOut += 1;
          progress.end();
          surroundings.messages.write(`${error.message}\n`);
        }
      }
      progress.tell(`${scannedCount} licenses read (Ctrl-C stops)`);
      yield licenses;
    }
  } finally {
    progress.end();
  }
  if (leftOut > 0) throw new Refusal(`${leftOut} items were left out.`);
}
