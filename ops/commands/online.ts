import type { Command } from "commander";
import { isHeld, isLive, type Session, secondsUntilFree } from "../../lambdas/sessions/session.ts";
import { type LicenseItem, standingOf } from "../../licenses/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { limitSchema, option } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { ageText, textTable } from "../terminal/text-table.ts";
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
          { head, line: (session) => line(cells(session, nowMs)), view: (session) => session },
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

function cells(session: LiveSession, nowMs: number): string[] {
  return [
    session.license_id.slice(0, 12),
    session.symbol,
    session.device_fingerprint,
    `${session.seconds_left} s`,
    ageText(session.last_heartbeat, nowMs),
    session.email ?? "-",
  ];
}

/** As `--json` prints it. Without `metadata`, which `show` has: there may be many. */
type LiveSession = Pick<
  Session,
  "device_fingerprint" | "session_id" | "started_at" | "last_heartbeat"
> & {
  license_id: string;
  standing: string;
  license_type: string;
  email: string | null;
  symbol: string;
  seconds_left: number;
  bot_version: string | null;
  bot_status: string | null;
};

function liveSessions(license: LicenseItem, nowMs: number): LiveSession[] {
  return Object.entries(license.sessions)
    .flatMap(([symbol, entry]) =>
      isHeld(entry) && isLive(entry, nowMs) ? [[symbol, entry] as const] : [],
    )
    .map(([symbol, session]) => ({
      license_id: license.license_id,
      standing: standingOf(license, nowMs),
      license_type: license.license_type,
      email: license.email ?? null,
      symbol,
      device_fingerprint: session.device_fingerprint,
      session_id: session.session_id,
      started_at: session.started_at,
      last_heartbeat: session.last_heartbeat,
      seconds_left: secondsUntilFree(session, nowMs),
      bot_version: session.bot_version ?? null,
      bot_status: session.bot_status ?? null,
    }));
}

function newest(sessions: readonly LiveSession[], limit: number | undefined): LiveSession[] {
  return [...sessions].sort((a, b) => b.last_heartbeat - a.last_heartbeat).slice(0, limit);
}

/** So that a reader that goes away is noticed. */
async function* inPages(sessions: readonly LiveSession[]): AsyncGenerator<LiveSession[], void> {
  for (let start = 0; start < sessions.length; start += 500) {
    yield sessions.slice(start, start + 500);
  }
}
