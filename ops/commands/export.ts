import type { Command } from "commander";
import { isPlaceholder, type LicenseItem } from "../data/license-item.ts";
import { csvLine, endOfExport, withoutFormula } from "../import/csv-line.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { printLicenses } from "./scan-licenses.ts";
import { addAction } from "./table-options.ts";

export function addExportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("export")
    .description(
      "Writes all licenses as CSV, which import reads again, with their ids in place of the keys, " +
        "which are stored nowhere. The last line marks it as complete: import refuses a file without it. " +
        "With --json, all that is stored, sessions included.",
    );
  addAction(command, { example: "export > licenses.csv" }, context, (table, options) =>
    printLicenses(
      table,
      context,
      options,
      (license) => !isPlaceholder(license),
      {
        head: csvLine(columns),
        line: (license) => csvLine(cells(license).map(withoutFormula)),
        foot: `${endOfExport}\n`,
      },
      { ConsistentRead: true },
    ),
  );
}

const columns = [
  "license_id",
  "email",
  "license_type",
  "license_status",
  "license_expiration",
  "max_sessions",
  "created_at",
  "fencing_token",
  "superseded_by",
  "session_timeout_seconds",
];

function cells(license: LicenseItem): string[] {
  return [
    license.license_id,
    license.email ?? "",
    license.license_type,
    license.superseded_status ?? license.status,
    instant(license.license_expiration),
    String(license.max_sessions),
    instant(license.created_at),
    String(license.fencing_token),
    license.superseded_by ?? "",
    String(license.session_timeout_seconds ?? ""),
  ];
}

function instant(instantMs: number | undefined): string {
  return instantMs === undefined ? "" : new Date(instantMs).toISOString();
}
