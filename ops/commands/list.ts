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
import { csvTable } from "../import/csv-line.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { limitSchema, option } from "../terminal/option-readers.ts";
import { ageText, type Column, idText, textTable } from "../terminal/text-table.ts";
import { printLicenses } from "./scan-licenses.ts";
import { addSelectionOptions } from "./selection-options.ts";
import { addAction, type TableOptions } from "./table-options.ts";

type ListOptions = TableOptions & Selection & { limit?: number; csv?: true };

export function addListCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("list")
    .description("Lists licenses in no order, a page at a time; Ctrl-C or --limit stops it early.");
  addSelectionOptions(command)
    .option("--csv", "print CSV, for a spreadsheet")
    .addOption(option("--limit <n>", "stop after this many", limitSchema));
  const more = `
SESSIONS 1+2/20 means one live, two lapsed, of at most 20; 1+2+1?/20: and one that can't be read. BEAT is the age of the last heartbeat.
`;
  const help = { example: "list --status active --expiring-within 14", more };
  addAction<ListOptions>(command, help, context, async (table, options) => {
    const nowMs = context.now();
    const isWanted = (license: LicenseItem) => isSelected(license, options, nowMs);
    const csv = {
      head: licenseCsv.head,
      line: (license: LicenseItem) => licenseCsv.line(licenseView(license, nowMs)),
    };
    const shape = options.csv ? csv : textTable(columnsFor(nowMs, context), context.columns);
    await printLicenses(table, context, options, isWanted, shape);
  });
}

/** What `--csv` prints and the console exports. */
export const licenseCsv = csvTable<ReturnType<typeof licenseView>>(
  [
    ...(["license_id", "standing", "license_type", "email", "license_expiration"] as const),
    ...(["days_left", "max_sessions", "live_sessions", "session_timeout_seconds"] as const),
    "created_at",
  ],
  ["license_expiration", "created_at"],
);

const columnsFor = (nowMs: number, context: CommandContext): Column<LicenseItem>[] => [
  { title: "LICENSE", width: 12, text: ({ license_id }) => idText(license_id, context) },
  { title: "STANDING", width: 9, text: (license) => standingOf(license, nowMs) },
  { title: "TYPE", width: 8, grows: true, text: ({ license_type }) => license_type },
  {
    title: "EXPIRES",
    width: 10,
    text: ({ license_expiration: ends }) =>
      ends === undefined ? "never" : new Date(ends).toISOString().slice(0, 10),
  },
  { title: "SESSIONS", width: 8, text: (license) => sessionsText(license, nowMs) },
  {
    title: "BEAT",
    width: 6,
    text(license) {
      const beatAtMs = lastHeartbeatMs(license);
      return beatAtMs === undefined ? "-" : ageText(beatAtMs, nowMs);
    },
  },
  { title: "EMAIL", width: 15, grows: true, text: ({ email = "-" }) => email },
];

function sessionsText(license: LicenseItem, nowMs: number): string {
  const states = entriesOf(license).map(([, entry]) => entryState(entry, nowMs));
  const live = states.filter((state) => state === "live").length;
  const unreadable = states.filter((state) => state === "unreadable").length;
  const lapsed = states.length - live - unreadable;
  return `${live}+${lapsed}${unreadable > 0 ? `+${unreadable}?` : ""}/${license.max_sessions}`;
}
