import type { Command } from "commander";
import { secondsUntilFree } from "../../lambdas/rules/entry.ts";
import { entriesOf, type LicenseItem, reportView, standingOf } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { limitSchema, option } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { ageText, idText, textTable } from "../terminal/text-table.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type OnlineOptions = TableOptions & { limit?: number };

/** Adds `online`, which lists the live sessions of all licenses. */
export function addOnlineCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("online")
    .description(
      "Lists every live session, newest heartbeat first. It reads through all licenses, and keeps " +
        "only what is live.",
    )
    .addOption(option("--limit <n>", "only this many, the newest", limitSchema));
  addTableOptions(command)
    .addHelpText("after", "\nExample:\n  npm run license -- online --limit 50")
    .action((options: OnlineOptions) =>
      withNamedTable(options, context, async (table) => {
        const nowMs = context.now();
        let live: LiveSession[] = [];
        const scan = scanLicenses(table, context);
        for await (const licenses of scan.pages) {
          for (const license of licenses) live.push(...liveSessions(license, nowMs));
          if (options.limit !== undefined) live = newest(live, options.limit);
        }
        const { head, line } = textTable(columns, context.columns);
        await printList(
          context,
          options,
          {
            head,
            line: (session) => line(cells(session, nowMs, context)),
            view: (session) => session,
          },
          inPages(newest(live, options.limit)),
        );
        scan.expectAll();
      }),
    );
}

const columns = [
  { title: "LICENSE", width: 12 },
  { title: "SYMBOL", width: 10 },
  { title: "DEVICE", width: 20, grows: true as const },
  { title: "LEFT", width: 5 },
  { title: "BEAT", width: 6 },
  { title: "EMAIL", width: 17, grows: true as const },
];

function cells(session: LiveSession, nowMs: number, context: CommandContext): string[] {
  return [
    idText(session.license_id, context),
    session.symbol,
    session.device_fingerprint,
    `${session.seconds_left} s`,
    ageText(session.last_heartbeat, nowMs),
    session.email ?? "-",
  ];
}

type LiveSession = ReturnType<typeof liveSessions>[number];

/** The sessions as `--json` prints them. Leaves out `metadata` to limit the size; `show` has it. */
function liveSessions(license: LicenseItem, nowMs: number) {
  // The key is dead, so its bots stop; the license has its sessions under the new one.
  if (license.superseded_by !== undefined) return [];
  return entriesOf(license).flatMap(([symbol, entry]) => {
    if (entry.kind !== "session" || nowMs >= entry.lapses_at) return [];
    const { metadata, ...report } = reportView(entry);
    return {
      license_id: license.license_id,
      standing: standingOf(license, nowMs),
      license_type: license.license_type,
      email: license.email ?? null,
      symbol,
      device_fingerprint: entry.device_fingerprint,
      session_id: entry.session_id,
      started_at: entry.started_at,
      last_heartbeat: entry.last_heartbeat,
      seconds_left: secondsUntilFree(entry, nowMs),
      ...report,
    };
  });
}

function newest(sessions: readonly LiveSession[], limit: number | undefined): LiveSession[] {
  return [...sessions].sort((a, b) => b.last_heartbeat - a.last_heartbeat).slice(0, limit);
}

/** Splits the output into pages, so that the verb notices when the reader has closed the pipe. */
async function* inPages(sessions: readonly LiveSession[]): AsyncGenerator<LiveSession[], void> {
  for (let start = 0; start < sessions.length; start += 500) {
    yield sessions.slice(start, start + 500);
  }
}
