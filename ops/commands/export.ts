import type { Command } from "commander";
import { isPlaceholder, type LicenseItem, licenseView } from "../../licenses/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { printList } from "../terminal/print-list.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

/** Adds `export`, which writes all licenses so that `import` can read them. */
export function addExportCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("export")
    .description(
      "Writes all licenses as CSV, which import reads again, with their ids in place of the keys, " +
        "which are stored nowhere. With --json, all that is stored, sessions included.",
    );
  addTableOptions(command)
    .addHelpText("after", "\nExample:\n  npm run -s license -- export > licenses.csv")
    .action((options: TableOptions) =>
      withNamedTable(options, context, async (table) => {
        const judgedAt = { nowMs: context.now(), sessionTimeoutMs: table.sessionTimeoutMs };
        await printList(
          context,
          options,
          {
            head: `${columns.join(",")}\n`,
            line: csvLine,
            view: (license) => licenseView(license, judgedAt),
          },
          withoutPlaceholders(scanLicenses(table, { ConsistentRead: true }, context)),
        );
      }),
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
];

function csvLine(license: LicenseItem): string {
  const cells = [
    license.license_id,
    license.email ?? "",
    license.license_type,
    license.superseded_status ?? license.status,
    instant(license.license_expiration),
    String(license.max_sessions),
    instant(license.created_at),
    String(license.fencing_token),
    license.superseded_by ?? "",
  ];
  return `${cells.map(quoted).join(",")}\n`;
}

function instant(instantMs: number | undefined): string {
  return instantMs === undefined ? "" : new Date(instantMs).toISOString();
}

function quoted(cell: string): string {
  return /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
}

async function* withoutPlaceholders(
  pages: AsyncIterable<readonly LicenseItem[]>,
): AsyncGenerator<LicenseItem[], void> {
  for await (const licenses of pages) yield licenses.filter((license) => !isPlaceholder(license));
}
