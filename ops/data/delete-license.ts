import { DeleteCommand } from "@aws-sdk/lib-dynamodb";
import { unlessRefused } from "./conditional-writes.ts";
import { getLicense } from "./get-license.ts";
import type { LicenseItem } from "./license-item.ts";
import type { TableHandle } from "./table-handle.ts";

/**
 * Deletes the license that was read, unless an operator has changed it since. Changes by its bots
 * do not prevent the deletion.
 *
 * @returns whether it is gone
 */
export async function deleteLicense(table: TableHandle, seen: LicenseItem): Promise<boolean> {
  const { change_id } = seen;
  const deleted = await unlessRefused(
    table.client.send(
      new DeleteCommand({
        TableName: table.tableName,
        Key: { license_id: seen.license_id },
        ConditionExpression:
          change_id === undefined ? "attribute_not_exists(change_id)" : "change_id = :change_id",
        ...(change_id !== undefined && { ExpressionAttributeValues: { ":change_id": change_id } }),
      }),
    ),
  );
  // The SDK's first attempt may have been applied and its answer lost.
  return deleted !== undefined || (await getLicense(table, seen.license_id)) === undefined;
}
