import type { ScanCommandInput } from "@aws-sdk/lib-dynamodb";
import { CommandError } from "../../engine/command-error.ts";
import { readItem } from "../../licenses/get-license.ts";
import type { LicenseItem } from "../../licenses/license-item.ts";
import { scanPages } from "../../licenses/scan-pages.ts";
import type { TableHandle } from "../../licenses/table-handle.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { startProgress } from "../terminal/progress.ts";

/**
 * Reads through the licenses, a page of them in memory at a time, and shows progress on a terminal.
 * An item that is no license is told of and left out.
 *
 * @throws CommandError at the end if something was left out
 */
export async function* scanLicenses(
  table: TableHandle,
  input: Omit<ScanCommandInput, "TableName">,
  context: CommandContext,
): AsyncGenerator<readonly LicenseItem[], void> {
  const progress = startProgress(context);
  let leftOut = 0;
  try {
    for await (const { items, scannedCount } of scanPages(table, input, context.stop)) {
      const licenses: LicenseItem[] = [];
      for (const item of items) {
        try {
          licenses.push(readItem(item));
        } catch (error) {
          if (!(error instanceof CommandError)) throw error;
          leftOut += 1;
          progress.end();
          context.messages.write(`${error.message}\n`);
        }
      }
      progress.tell(`${scannedCount} licenses read (Ctrl-C stops)`);
      yield licenses;
    }
  } finally {
    progress.end();
  }
  if (leftOut > 0) throw new CommandError(`${leftOut} items were left out.`);
}
