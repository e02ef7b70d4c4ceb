import type { Command } from "commander";
import { licenseIdOf } from "../../lambdas/rules/license-id.ts";
import { getLicense } from "../data/get-license.ts";
import type { LicenseItem } from "../data/license-item.ts";
import { scanPages } from "../data/scan-pages.ts";
import type { TableHandle } from "../data/table-handle.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError, UsageError } from "../terminal/command-error.ts";
import { keySchema, readAs } from "../terminal/option-readers.ts";
import { startProgress } from "../terminal/progress.ts";

const readName = readAs("A license", keySchema);
const help = "its key, its id, or a unique beginning of the id (8 characters or more)";

/** Adds the argument that names a license. */
export function addLicenseArgument(command: Command): Command {
  return command.argument("<license>", help, readName);
}

/** Adds the argument that names one or more licenses; none if they may be chosen otherwise. */
export function addLicensesArgument(command: Command, isOptional = false): Command {
  return command.argument(
    isOptional ? "[licenses...]" : "<licenses...>",
    `of each, ${help}`,
    (name, before: string[] = []) => [...before, readName(name)],
  );
}

class NoSuchLicense extends CommandError {}

/**
 * Finds the licenses, without duplicates.
 *
 * @param mayBeGone whether one that is not there is named and left out
 * @throws CommandError if one of them can't be found
 */
export async function findLicenses(
  table: TableHandle,
  names: readonly string[],
  context: CommandContext,
  mayBeGone = false,
): Promise<LicenseItem[]> {
  if (names.length === 0) {
    throw new UsageError(
      "Name one or more licenses, or choose them: --status, --type, --version, --expiring-within.",
    );
  }
  const found = new Map<string, LicenseItem>();
  for (const [index, name] of names.entries()) {
    try {
      const license = await findLicense(table, name, context);
      found.set(license.license_id, license);
    } catch (error) {
      if (!(error instanceof CommandError) || names.length === 1) throw error;
      const which = `License ${index + 1} of ${names.length}`;
      if (!mayBeGone || !(error instanceof NoSuchLicense))
        throw new CommandError(`${which}: ${error.message}`);
      context.messages.write(`${which} is not there: it counts as deleted.\n`);
    }
  }
  return [...found.values()];
}

/**
 * Finds the license by its key, its id or a prefix of the id, in this order. A key or an id takes
 * one or two reads; a prefix takes a scan of the table.
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
  throw new NoSuchLicense(
    "No license has this key or id, or an id that begins like this. A beginning needs 8 characters or more.",
  );
}

const mostShown = 10;

async function findByBeginning(
  table: TableHandle,
  beginning: string,
  context: CommandContext,
): Promise<LicenseItem | undefined> {
  const progress = startProgress(context);
  const found: { id: string; email: string }[] = [];
  try {
    const scan = {
      ProjectionExpression: "license_id, email",
      FilterExpression: "begins_with(license_id, :beginning)",
      ExpressionAttributeValues: { ":beginning": beginning },
    };
    for await (const { items, scannedCount } of scanPages(table, scan, context.stop)) {
      progress.report(`${scannedCount} licenses read`);
      found.push(
        ...items.map(({ license_id, email = "-" }) => ({
          id: String(license_id),
          email: String(email),
        })),
      );
      if (found.length > mostShown) break;
    }
  } finally {
    progress.end();
  }
  if (found.length > 1) {
    const shown = found.slice(0, mostShown).map(({ id, email }) => `\n  ${id}  ${email}`);
    const more = found.length > mostShown ? "\n  ..." : "";
    throw new CommandError(
      `More than one license has an id that begins like this; give more characters:${shown.join("")}${more}`,
    );
  }
  return found[0] && getLicense(table, found[0].id);
}
