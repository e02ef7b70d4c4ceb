import { readableLicenses } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import { scanPages } from "./scan-pages.ts";
import type { TableHandle } from "./table-handle.ts";

/** So many items are read for one page at most, so that it comes within a second. */
const mostRead = 2_000;

export type LicensePage = {
  licenses: LicenseItem[];
  /** Where the next page begins; `null` after the last license. */
  next: string | null;
  /** How many items were read for this page. */
  read: number;
  /** Ids of items that are no valid license and were left out. */
  unreadable: string[];
};

/**
 * Some of the licenses that are wanted, in the table's order. A page may have fewer than `limit`
 * and still not be the last: it ends after 2,000 items, too.
 */
export async function licensePage(
  table: TableHandle,
  isWanted: (license: LicenseItem) => boolean,
  { after, limit, stop }: { after: string | undefined; limit: number; stop: AbortSignal },
): Promise<LicensePage> {
  const page: LicensePage = { licenses: [], next: null, read: 0, unreadable: [] };
  const input = {
    Limit: mostRead,
    ...(after !== undefined && { ExclusiveStartKey: { license_id: after } }),
  };
  for await (const { items } of scanPages(table, input, stop)) {
    for (const item of items) {
      const id = String(item.license_id);
      const [license] = readableLicenses([item]);
      if (!license) page.unreadable.push(id);
      else if (isWanted(license)) page.licenses.push(license);
      page.read += 1;
      if (page.licenses.length === limit || page.read === mostRead) return { ...page, next: id };
    }
  }
  return page;
}
