import type { Command } from "commander";
import { secondsUntilFree } from "../../lambdas/rules/entry.ts";
import { entriesOf, type LicenseItem, reportView, standingOf } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { limitSchema, option } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { ageText, type Column, idText, textTable } from "../terminal/text-table.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addAction, type TableOptions } from "./table-options.ts";

type OnlineOptions = TableOptions & { limit?: number };

export function addOnlineCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("online")
    .description(
      "Lists every live session, newest heartbeat first. It reads through all licenses, and keeps " +
        "only what is live.",
    )
    .addOption(option("--limit <n>", "only this many, the newest", limitSchema));
  const help = { example: "online --limit 50" };
  addAction<OnlineOptions>(command, help, context, async (table, options) => {
    const nowMs = context.now();
    let live: LiveSession[] = [];
    const scan = scanLicenses(table, context);
    for await (const licenses of scan.pages) {
      for (const license of licenses) live.push(...liveSessions(license, nowMs));
      if (options.limit !== undefined) live = newest(live, options.limit);
    }
    const shown = textTable(columnsFor(nowMs, context), context.columns);
    const shape = { ...shown, view: (session: LiveSession) => session };
    await printList(context, options, shape, inPages(newest(live, options.limit)));
    scan.expectAll();
  });
}

const columnsFor = (nowMs: number, context: CommandContext): Column<LiveSession>[] => [
  { title: "LICENSE", width: 12, text: (one) => idText(one.license_id, context) },
  { title: "SYMBOL", width: 10, text: (one) => one.symbol },
  { title: "DEVICE", width: 20, grows: true, text: (one) => one.device_fingerprint },
  { title: "LEFT", width: 5, text: (one) => `${one.seconds_left} s` },
  { title: "BEAT", width: 6, text: (one) => ageText(one.last_heartbeat, nowMs) },
  { title: "EMAIL", width: 17, grows: true, text: (one) => one.email ?? "-" },
];

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
