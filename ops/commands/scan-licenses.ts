import type { ScanCommandInput } from "@aws-sdk/lib-dynamodb";
import { readItem } from "../data/get-license.ts";
import { type LicenseItem, licenseView } from "../data/license-item.ts";
import { scanPages } from "../data/scan-pages.ts";
import type { TableHandle } from "../data/table-handle.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError } from "../terminal/command-error.ts";
import { type ListShape, printList } from "../terminal/print-list.ts";
import { startProgress } from "../terminal/progress.ts";

type LicenseScan = {
  pages: AsyncIterable<readonly LicenseItem[]>;
  /** To be called after printing. @throws CommandError if an item was left out */
  expectAll(): void;
};

/**
 * Scans all licenses, one page in memory at a time, and shows progress on a terminal. An item that
 * is not a valid license is reported and left out.
 *
 * @param isWanted selects the licenses that the pages contain
 */
export function scanLicenses(
  table: TableHandle,
  context: Pick<CommandContext, "messages" | "stop">,
  isWanted: (license: LicenseItem) => boolean = () => true,
  input: Omit<ScanCommandInput, "TableName"> = {},
): LicenseScan {
  let leftOut = 0;

  async function* pages(): AsyncGenerator<readonly LicenseItem[], void> {
    const progress = startProgress(context);
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
        progress.report(`${scannedCount} licenses read (Ctrl-C stops)`);
        yield licenses.filter(isWanted);
      }
    } finally {
      progress.end();
    }
  }

  return {
    pages: pages(),
    expectAll() {
      if (leftOut === 0) return;
      throw new CommandError(
        `${leftOut === 1 ? "1 item was" : `${leftOut} items were`} left out; all the others are there.`,
      );
    },
  };
}

/** Scans all licenses and prints those that are wanted, or as many of them as `limit`. */
export async function printLicenses(
  table: TableHandle,
  context: CommandContext,
  options: { json?: true; limit?: number },
  isWanted: (license: LicenseItem) => boolean,
  shape: Omit<ListShape<LicenseItem>, "view">,
  input: Omit<ScanCommandInput, "TableName"> = {},
): Promise<void> {
  const nowMs = context.now();
  const scan = scanLicenses(table, context, isWanted, input);
  const view = (license: LicenseItem) => licenseView(license, nowMs);
  await printList(context, options, { ...shape, view }, atMost(options.limit, scan.pages));
  scan.expectAll();
}

/** Stops reading once the limit is reached. */
async function* atMost(
  limit = Number.POSITIVE_INFINITY,
  pages: AsyncIterable<readonly LicenseItem[]>,
): AsyncGenerator<LicenseItem[], void> {
  let left = limit;
  for await (const licenses of pages) {
    yield licenses.slice(0, left);
    left -= licenses.length;
    if (left <= 0) return;
  }
}
