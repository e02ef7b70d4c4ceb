import { ScanCommand } from "@aws-sdk/lib-dynamodb";
import { readableLicenses } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
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
  { client, tableName }: TableHandle,
  isWanted: (license: LicenseItem) => boolean,
  { after, limit, stop }: { after: string | undefined; limit: number; stop: AbortSignal },
): Promise<LicensePage> {
  const licenses: LicenseItem[] = [];
  const unreadable: string[] = [];
  let last = after;
  let read = 0;
  for (;;) {
    const { Items = [], LastEvaluatedKey } = await client.send(
      new ScanCommand({
        TableName: tableName,
        Limit: mostRead - read,
        ...(last !== undefined && { ExclusiveStartKey: { license_id: last } }),
      }),
      { abortSignal: stop },
    );
    for (const item of Items) {
      read += 1;
      last = String(item.license_id);
      const [license] = readableLicenses([item]);
      if (!license) unreadable.push(last);
      else if (isWanted(license)) licenses.push(license);
      if (licenses.length === limit) return { licenses, next: last, read, unreadable };
    }
    if (!LastEvaluatedKey) return { licenses, next: null, read, unreadable };
    if (read >= mostRead) return { licenses, next: last ?? null, read, unreadable };
  }
}
