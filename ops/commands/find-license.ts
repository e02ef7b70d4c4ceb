import type { Command } from "commander";
import { CommandError } from "../../engine/command-error.ts";
import { licenseIdOf } from "../../lambdas/license-key.ts";
import { getLicense } from "../../licenses/get-license.ts";
import type { LicenseItem } from "../../licenses/license-item.ts";
import { scanPages } from "../../licenses/scan-pages.ts";
import type { TableHandle } from "../../licenses/table-handle.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { keySchema, readAs } from "../terminal/option-readers.ts";
import { startProgress } from "../terminal/progress.ts";

/** Adds the argument that names a license. */
export function addLicenseArgument(command: Command): Command {
  return command.argument(
    "<license>",
    "its key, its id, or a beginning of the id that no other has (8 characters or more)",
    readAs("A license", keySchema),
  );
}

/**
 * Finds the license by its key, its id or a beginning of the id, in this order. A key or an id is
 * one or two reads; a beginning reads through the table until it has met two.
 *
 * @throws CommandError if there is none or more than one
 */
export async function findLicense(
  table: TableHandle,
  name: string,
  context: CommandContext,
): Promise<LicenseItem> {
  const idText = name.toLowerCase();
  const isHex = /^[0-9a-f]+$/.test(idText);
  if (isHex && idText.length === 64) {
    const byId = await getLicense(table, idText);
    if (byId) return byId;
  }
  const byKey = await getLicense(table, licenseIdOf(name));
  if (byKey) return byKey;
  const found =
    isHex && idText.length >= 8 && idText.length < 64
      ? await findByBeginning(table, idText, context)
      : undefined;
  if (found) return found;
  throw new CommandError(
    "There is no license with this key or id. A beginning of an id must have 8 characters or more.",
  );
}

async function findByBeginning(
  table: TableHandle,
  beginning: string,
  context: CommandContext,
): Promise<LicenseItem | undefined> {
  const progress = startProgress(context);
  const found: string[] = [];
  try {
    const scan = {
      ProjectionExpression: "license_id",
      FilterExpression: "begins_with(license_id, :beginning)",
      ExpressionAttributeValues: { ":beginning": beginning },
    };
    for await (const { items, scannedCount } of scanPages(table, scan, context.stop)) {
      progress.tell(`${scannedCount} licenses read`);
      found.push(...items.map(({ license_id }) => String(license_id)));
      if (found.length > 1) break;
    }
  } finally {
    progress.end();
  }
  const [licenseId, another] = found;
  if (another !== undefined) {
    throw new CommandError("More than one license has an id that begins so; give more of it.");
  }
  return licenseId === undefined ? undefined : getLicense(table, licenseId);
}
