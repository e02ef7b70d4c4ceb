import type { Command } from "commander";
import { isPlaceholder, type LicenseItem } from "../data/license-item.ts";
import { csvTable, endOfExport } from "../import/csv-line.ts";
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
        head: csv.head,
        line: (license) =>
          csv.line({ ...license, license_status: license.superseded_status ?? license.status }),
        foot: `${endOfExport}\n`,
      },
      { ConsistentRead: true },
    ),
  );
}

const csv = csvTable<LicenseItem & { license_status: string }>(
  [
    ...(["license_id", "email", "license_type", "license_status", "license_expiration"] as const),
    ...(["max_sessions", "created_at", "fencing_token", "superseded_by"] as const),
    "session_timeout_seconds",
  ],
  ["license_expiration", "created_at"],
);
