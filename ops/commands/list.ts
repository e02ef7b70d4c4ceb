import type { Command } from "commander";
import {
  entriesOf,
  entryState,
  type LicenseItem,
  lastHeartbeatMs,
  licenseView,
  standingOf,
} from "../data/license-item.ts";
import { isSelected, type Selection } from "../data/select-licenses.ts";
import { csvLine, withoutFormula } from "../import/csv-line.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { limitSchema, option } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { ageText, idText, textTable } from "../terminal/text-table.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type ListOptions = TableOptions & Selection & { limit?: number; csv?: true };

/** Adds `list`, which reads through all licenses. */
export function addListCommand(program: Command, context: CommandContext): void {
  const command = addSelectionOptions(
    program
      .command("list")
      .description(
        "Lists licenses in no order, a page at a time; Ctrl-C or --limit stops it early.",
      ),
  )
    .option("--csv", "print CSV, for a spreadsheet")
    .addOption(option("--limit <n>", "stop after this many", limitSchema));
  addTableOptions(command)
    .addHelpText(
      "after",
      `
SESSIONS 1+2/20 means one live, two lapsed, of at most 20; 1+2+1?/20: and one that can't be read. BEAT is the age of the last heartbeat.

Example:
  npm run license -- list --status active --expiring-within 14`,
    )
    .action((options: ListOptions) =>
      withNamedTable(options, context, async (table) => {
        const nowMs = context.now();
        const scan = scanLicenses(table, context, (license) => isSelected(license, options, nowMs));
        const { head, line } = textTable(columns, context.columns);
        const view = (license: LicenseItem) => licenseView(license, nowMs);
        await printList(
          context,
          options,
          options.csv
            ? {
                head: csvLine(csvColumns),
                line: (license) => csvLine(csvCells(view(license))),
                view,
              }
            : { head, line: (license) => line(cells(license, nowMs, context)), view },
          atMost(options.limit, scan.pages),
        );
        scan.expectAll();
      }),
    );
}

/** The head and the cells of `--csv` and of the console's export. */
export const csvColumns = [
  ...["license_id", "standing", "license_type", "email", "license_expiration", "days_left"],
  ...["max_sessions", "live_sessions", "session_timeout_seconds", "created_at"],
];

export function csvCells(view: ReturnType<typeof licenseView>): string[] {
  const instant = (atMs: number | null) => (atMs === null ? "" : new Date(atMs).toISOString());
  return [
    view.license_id,
    view.standing,
    view.license_type,
    view.email ?? "",
    instant(view.license_expiration),
    String(view.days_left ?? ""),
    String(view.max_sessions),
    String(view.live_sessions),
    String(view.session_timeout_seconds ?? ""),
    instant(view.created_at),
  ].map(withoutFormula);
}

const columns = [
  { title: "LICENSE", width: 12 },
  { title: "STANDING", width: 9 },
  { title: "TYPE", width: 8, grows: true as const },
  { title: "EXPIRES", width: 10 },
  { title: "SESSIONS", width: 8 },
  { title: "BEAT", width: 6 },
  { title: "EMAIL", width: 15, grows: true as const },
];

function cells(license: LicenseItem, nowMs: number, context: CommandContext): string[] {
  const states = entriesOf(license).map(([, entry]) => entryState(entry, nowMs));
  const live = states.filter((state) => state === "live").length;
  const unreadable = states.filter((state) => state === "unreadable").length;
  const ends = license.license_expiration;
  const beatAtMs = lastHeartbeatMs(license);
  return [
    idText(license.license_id, context),
    standingOf(license, nowMs),
    license.license_type,
    ends === undefined ? "never" : new Date(ends).toISOString().slice(0, 10),
    `${live}+${states.length - live - unreadable}${unreadable > 0 ? `+${unreadable}?` : ""}/${license.max_sessions}`,
    beatAtMs === undefined ? "-" : ageText(beatAtMs, nowMs),
    license.email ?? "-",
  ];
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
