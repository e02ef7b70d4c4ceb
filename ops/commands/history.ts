import type { Command } from "commander";
import * as z from "zod";
import { dayMs } from "../data/license-item.ts";
import { type HistoryLine, readHistory } from "../data/read-history.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { instantSchema, option } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { ageText, instantText, textTable } from "../terminal/text-table.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type Since = { daysBack: number } | { atMs: number };
type HistoryOptions = TableOptions & { since: Since };

/** Adds `history`, which lists who held a license, who was refused and who changed it. */
export function addHistoryCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("history")
    .description(
      "Shows who claimed and released a license, who was refused, and what operators changed, oldest " +
        "first; then a summary of each device, which shows whether the key is shared.",
    )
    .addOption(
      option("--since <when>", "days back, such as 3d, a date or a time", sinceSchema).default(
        { daysBack: 7 },
        "7d",
      ),
    );
  addTableOptions(addLicenseArgument(command))
    .addHelpText(
      "after",
      `
The holder at an instant is the device of the last claim before it, unless it released. Heartbeats are not
logged. With --stack it reads the logs of the functions, as long as they are kept (logRetentionDays);
else the file history.jsonl in the DATA_DIR of npm start. Devices are masked, as answers have them.

Example:
  npm run license -- history DEMO-DEMO-DEMO-DEMO --since 3d`,
    )
    .action((name: string, options: HistoryOptions) =>
      withNamedTable(options, context, async (table) => {
        const { license_id } = await findLicense(table, name, context);
        const nowMs = context.now();
        const { since } = options;
        const sinceMs = "atMs" in since ? since.atMs : nowMs - since.daysBack * dayMs;
        const lines = await readHistory({
          history: table.history,
          licenseId: license_id,
          sinceMs,
          variables: context.variables,
          stop: context.stop,
        });
        const devices = countDevices(lines);
        const place = `license ${license_id.slice(0, 12)} in ${table.place}, since ${instantText(sinceMs)}`;
        await printResult(
          context,
          options,
          { table: table.place, license_id, since: sinceMs, devices, lines },
          `History of ${place}\n${linesText(lines, context)}\n${devicesText(devices, nowMs, context)}`,
        );
      }),
    );
}

const sinceSchema = z
  .string()
  .regex(/^\d{1,4}d$/)
  .transform((text): Since => ({ daysBack: Number(text.slice(0, -1)) }))
  .or(instantSchema.transform((atMs): Since => ({ atMs })))
  .describe(`a number of days such as 3d, or ${instantSchema.description}`);

type DeviceCounts = {
  device: string;
  claims: number;
  releases: number;
  /** How many refusals there were of each code. */
  refusals: Record<string, number>;
  /** How often the device claimed a symbol that another device had claimed last. */
  takeovers: number;
  last_at: number;
};

/** A summary for each device, in descending order of claims. */
function countDevices(lines: readonly HistoryLine[]): DeviceCounts[] {
  const counts = new Map<string, DeviceCounts>();
  const lastClaimOf = new Map<string, string>();
  for (const line of lines) {
    if (!("device" in line)) continue;
    const { device, symbol, atMs } = line;
    const fresh = { device, claims: 0, releases: 0, refusals: {}, takeovers: 0 };
    const count: DeviceCounts = { ...(counts.get(device) ?? fresh), last_at: atMs };
    if ("code" in line) {
      count.refusals = { ...count.refusals, [line.code]: (count.refusals[line.code] ?? 0) + 1 };
    } else if (line.event === "session_released") {
      count.releases += 1;
    } else {
      const before = lastClaimOf.get(symbol ?? "*");
      lastClaimOf.set(symbol ?? "*", device);
      count.claims += 1;
      if (before !== undefined && before !== device) count.takeovers += 1;
    }
    counts.set(device, count);
  }
  return [...counts.values()].sort((a, b) => b.claims - a.claims);
}

function linesText(lines: readonly HistoryLine[], { columns }: CommandContext): string {
  if (lines.length === 0) return "Nothing.\n";
  const table = textTable(
    [
      { title: "TIME", width: 20 },
      { title: "WHAT", width: 17 },
      { title: "SYMBOL", width: 10 },
      { title: "WHO", width: 11 },
      { title: "DETAILS", width: 14, grows: true },
    ],
    columns,
  );
  return table.head + lines.map((line) => table.line(cells(line))).join("");
}

function cells(line: HistoryLine): string[] {
  const time = instantText(line.atMs);
  if ("code" in line) return [time, line.code, line.symbol ?? "*", line.device, "refused"];
  switch (line.event) {
    case "session_claimed": {
      const displaced = line.displaced.map(({ symbol, device }) => `${symbol} of ${device}`);
      const details = [
        `token ${line.fencing_token}`,
        ...(line.replaced === undefined ? [] : ["replaced its own session"]),
        ...(displaced.length > 0 ? [`displaced ${displaced.join(", ")}`] : []),
      ];
      return [time, "claimed", line.symbol ?? "*", line.device, details.join("; ")];
    }
    case "session_released": {
      const wait = line.free_in_seconds > 0 ? `free after ${line.free_in_seconds} s` : "";
      return [time, "released", line.symbol ?? "*", line.device, wait];
    }
    case "license_changed": {
      const reason = line.reason === undefined ? "" : `; ${line.reason}`;
      return [time, line.verb, "-", line.by, `${line.changes.join(", ")}${reason}`];
    }
  }
}

function devicesText(
  devices: readonly DeviceCounts[],
  nowMs: number,
  { columns }: CommandContext,
): string {
  if (devices.length === 0) return "No device claimed it or was refused.\n";
  const table = textTable(
    [
      { title: "DEVICE", width: 14, grows: true },
      { title: "CLAIMS", width: 6 },
      { title: "TAKEOVERS", width: 9 },
      { title: "RELEASES", width: 8 },
      { title: "LAST", width: 7 },
      { title: "REFUSALS", width: 22, grows: true },
    ],
    columns,
  );
  const lines = devices.map(({ device, claims, takeovers, releases, refusals, last_at }) =>
    table.line([
      device,
      String(claims),
      String(takeovers),
      String(releases),
      ageText(last_at, nowMs),
      Object.entries(refusals)
        .map(([code, count]) => `${count} ${code}`)
        .join(", ") || "-",
    ]),
  );
  const claiming = devices.filter(({ claims }) => claims > 0).length;
  const taken = devices.reduce((sum, { takeovers }) => sum + takeovers, 0);
  const sharing =
    claiming > 1
      ? `${claiming} devices claimed it, and took it over from each other ${taken === 1 ? "once" : `${taken} times`}.\n`
      : "";
  return table.head + lines.join("") + sharing;
}
