import { GetCommand } from "@aws-sdk/lib-dynamodb";
import { CommandError } from "../terminal/command-error.ts";
import { type LicenseItem, licenseItemSchema } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

/** The current license, by one strongly consistent `GetItem`. */
export async function getLicense(
  table: TableHandle,
  licenseId: string,
): Promise<LicenseItem | undefined> {
  const item = await getItem(table, licenseId);
  return item && readItem(item);
}

/** The item as it is stored, without checking that it is a license. */
export async function getItem(
  { client, tableName }: TableHandle,
  licenseId: string,
): Promise<Record<string, unknown> | undefined> {
  const { Item } = await client.send(
    new GetCommand({ TableName: tableName, Key: { license_id: licenseId }, ConsistentRead: true }),
  );
  return Item;
}

/** Without an item that is no valid license, which `list` reports. */
export function readableLicenses(items: readonly Record<string, unknown>[]): LicenseItem[] {
  return items.flatMap((item) => licenseItemSchema.safeParse(item).data ?? []);
}

/** @throws CommandError naming the bad attribute if the item is not a valid license */
export function readItem(item: Record<string, unknown>): LicenseItem {
  const result = licenseItemSchema.safeParse(item);
  if (result.success) return result.data;
  const attributes = result.error.issues.map(({ path }) => path.join("."));
  throw new CommandError(
    `The item ${String(item.license_id).slice(0, 12)} can't be read as a license: ${attributes.join(", ")} is missing or has the wrong type. Correct it in the table.`,
  );
}
