import type { Command } from "commander";
import * as z from "zod";
import { isLive } from "../../lambdas/sessions/session.ts";
import {
  daysLeft,
  type JudgedAt,
  type LicenseItem,
  licenseView,
  standingOf,
  standings,
} from "../../licenses/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { limitSchema, readAs, wholeNumber } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { headLine, tableLine } from "../terminal/text-table.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

const dayMs = 86_400_000;

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
    .option(
      "--status <status>",
      "active (and not expired), suspended, cancelled, expired or rekeyed",
      readAs("--status", statusSchema),
    )
    .option(
      "--expiring-within <days>",
      "those that end within so many days, and have not ended yet",
      readAs("--expiring-within", wholeNumber(1, 36_500)),
    )
    .option("--limit <n>", "stop after so many", readAs("--limit", limitSchema));
  addTableOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  npm run license -- list --status active --expiring-within 14",
    )
    .action((options: ListOptions) =>
      withNamedTable(options, context, async (table) => {
        const judgedAt = { nowMs: context.now(), sessionTimeoutMs: table.sessionTimeoutMs };
        const scan = scanLicenses(table, {}, context);
        await printList(
          context,
          options,
          {
            head: headLine(columns),
            line: (license) => tableLine(columns, cells(license, judgedAt)),
            view: (license) => licenseView(license, judgedAt),
          },
          atMost(options.limit, matching(scan.pages, options, judgedAt.nowMs)),
        );
        scan.expectAll();
      }),
    );
}

const statusSchema = z.enum(standings).describe(`one of ${standings.join(", ")}`);

const columns = [
  { title: "LICENSE", width: 12 },
  { title: "STANDING", width: 9 },
  { title: "TYPE", width: 12 },
  { title: "EXPIRES", width: 10 },
  { title: "DAYS LEFT", width: 9 },
  { title: "LIVE/SEATS", width: 10 },
  { title: "EMAIL", width: 26 },
];

function cells(license: LicenseItem, { nowMs }: JudgedAt): string[] {
  const live = Object.values(license.sessions).filter((session) => isLive(session, nowMs)).length;
  const ends = license.license_expiration;
  return [
    license.license_id.slice(0, 12),
    standingOf(license, nowMs),
    license.license_type,
    ends === undefined ? "never" : new Date(ends).toISOString().slice(0, 10),
    String(daysLeft(license, nowMs) ?? "-"),
    `${live}/${license.max_sessions}`,
    license.email ?? "-",
  ];
}

async function* matching(
  pages: AsyncIterable<readonly LicenseItem[]>,
  { status, expiringWithin }: ListOptions,
  nowMs: number,
): AsyncGenerator<LicenseItem[], void> {
  const endsByMs = expiringWithin === undefined ? undefined : nowMs + expiringWithin * dayMs;
  const isExpiring = ({ license_expiration: ends }: LicenseItem) =>
    endsByMs === undefined || (ends !== undefined && ends > nowMs && ends <= endsByMs);
  for await (const licenses of pages) {
    yield licenses.filter(
      (license) =>
        isExpiring(license) && (status === undefined || standingOf(license, nowMs) === status),
    );
  }
}

/** Stops asking for pages when it has enough. */
async function* atMost(
  limit = Number.POSITIVE_INFINITY,
  pages: AsyncIterable<LicenseItem[]>,
): AsyncGenerator<LicenseItem[], void> {
  let left = limit;
  for await (const licenses of pages) {
    yield licenses.slice(0, left);
    left -= licenses.length;
    if (left <= 0) return;
  }
}
