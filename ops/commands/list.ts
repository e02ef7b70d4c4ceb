import type { Command } from "commander";
import * as z from "zod";
import { isSession } from "../../lambdas/rules/session.ts";
import {
  dayMs,
  entryState,
  type LicenseItem,
  licenseView,
  standingOf,
  standings,
} from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { daysSchema, limitSchema, option } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { ageText, textTable } from "../terminal/text-table.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type ListOptions = TableOptions & {
  status?: (typeof standings)[number];
  expiringWithin?: number;
  limit?: number;
};

/** Adds `list`, which reads through all licenses. */
export function addListCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("list")
    .description("Lists licenses in no order, a page at a time; Ctrl-C or --limit stops it early.")
    .addOption(
      option(
        "--status <status>",
        "active (and not expired), suspended, cancelled, expired or rekeyed",
        statusSchema,
      ),
    )
    .addOption(
      option("--expiring-within <days>", "active ones that end within so many days", daysSchema),
    )
    .addOption(option("--limit <n>", "stop after this many", limitSchema));
  addTableOptions(command)
    .addHelpText(
      "after",
      `
SESSIONS 1+2/20 means one live, two lapsed, of at most 20. BEAT is the age of the last heartbeat.

Example:
  npm run license -- list --status active --expiring-within 14`,
    )
    .action((options: ListOptions) =>
      withNamedTable(options, context, async (table) => {
        const nowMs = context.now();
        const scan = scanLicenses(table, context, (license) => isWanted(license, options, nowMs));
        const { head, line } = textTable(columns, context.columns);
        await printList(
          context,
          options,
          {
            head,
            line: (license) => line(cells(license, nowMs)),
            view: (license) => licenseView(license, nowMs),
          },
          atMost(options.limit, scan.pages),
        );
        scan.expectAll();
      }),
    );
}

const statusSchema = z.enum(standings).describe(`one of ${standings.join(", ")}`);

const columns = [
  { title: "LICENSE", width: 12 },
  { title: "STANDING", width: 9 },
  { title: "TYPE", width: 8, grows: true as const },
  { title: "EXPIRES", width: 10 },
  { title: "SESSIONS", width: 8 },
  { title: "BEAT", width: 6 },
  { title: "EMAIL", width: 15, grows: true as const },
];

function cells(license: LicenseItem, nowMs: number): string[] {
  const states = Object.values(license.sessions).map((entry) => entryState(entry, nowMs));
  const live = states.filter((state) => state === "live").length;
  const ends = license.license_expiration;
  const beatAtMs = lastHeartbeatMs(license);
  return [
    license.license_id.slice(0, 12),
    standingOf(license, nowMs),
    license.license_type,
    ends === undefined ? "never" : new Date(ends).toISOString().slice(0, 10),
    `${live}+${states.length - live}/${license.max_sessions}`,
    beatAtMs === undefined ? "-" : ageText(beatAtMs, nowMs),
    license.email ?? "-",
  ];
}

function lastHeartbeatMs({ sessions }: LicenseItem): number | undefined {
  const beats = Object.values(sessions).flatMap((entry) =>
    isSession(entry) ? [entry.last_heartbeat] : [],
  );
  return beats.length > 0 ? Math.max(...beats) : undefined;
}

function isWanted(
  license: LicenseItem,
  { status, expiringWithin }: ListOptions,
  nowMs: number,
): boolean {
  const standing = standingOf(license, nowMs);
  if (status !== undefined && standing !== status) return false;
  if (expiringWithin === undefined) return true;
  const ends = license.license_expiration ?? Number.POSITIVE_INFINITY;
  return standing === "active" && ends <= nowMs + expiringWithin * dayMs;
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
