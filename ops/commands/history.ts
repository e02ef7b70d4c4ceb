import type { Command } from "commander";
import {
  type ClaimedLine,
  type HistoryLine,
  isFailure,
  symbolsOf,
  type Taken,
} from "../data/history-line.ts";
import { type LicenseHistory, licenseHistory } from "../data/license-history.ts";
import type { DeviceSummary } from "../data/sharing.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { type Since, sinceOption, untilOption } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { ageText, idText, instantText, textTable } from "../terminal/text-table.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type HistoryOptions = TableOptions & { since: Since; until?: number };

/** Adds `history`, which lists who held a license, who was refused and who changed it. */
export function addHistoryCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("history")
    .description(
      "Shows who held a license when, who was refused, and what operators changed, under all keys " +
        "that it has had; then a summary of each device, and whether the key looks shared.",
    )
    .addOption(sinceOption(7))
    .addOption(untilOption());
  addTableOptions(addLicenseArgument(command))
    .addHelpText(
      "after",
      `
A hold ends as released, replaced (by its own device), ended (by an operator), lapsed (no heartbeat came after
UNTIL) or held; unknown: no line says how, and UNTIL is the last sign of it. With --stack it reads the logs of
the functions, as long as they are kept (logRetentionDays); else the file history.jsonl in the DATA_DIR of
npm start. Devices are masked, as answers have them; ten digits of a hash tell them apart. "<": since before.
OVERLAPS: refusals while another device held it, but for those of a device that had asked that one to release it.

Example:
  npm run license -- history DEMO-DEMO-DEMO-DEMO --since 3d`,
    )
    .action((name: string, options: HistoryOptions) =>
      withNamedTable(options, context, async (table) => {
        const license = await findLicense(table, name, context);
        const nowMs = context.now();
        const { since, until } = options;
        const history = await licenseHistory(table, license, {
          sinceMs: since(nowMs),
          untilMs: until,
          nowMs,
          variables: context.variables,
          stop: context.stop,
        });
        await printResult(context, options, history, licenseHistoryText(history, nowMs, context));
      }),
    );
}

function licenseHistoryText(
  history: LicenseHistory,
  nowMs: number,
  context: CommandContext,
): string {
  const { license_id, license_ids, table, since, until } = history;
  const others = license_ids.filter((id) => id !== license_id);
  const keys =
    others.length > 0
      ? ` (with its other keys: ${others.map((id) => idText(id, context)).join(", ")})`
      : "";
  return [
    `License ${idText(license_id, context)}${keys} in ${table},\nfrom ${instantText(since)} to ${instantText(until)}\n`,
    `\nWho held it\n${holdsText(history, context)}`,
    `\nWhat happened\n${linesText(history.lines, context)}`,
    `\nDevices\n${devicesText(history, nowMs, context)}`,
  ].join("");
}

function holdsText({ holds }: LicenseHistory, { columns }: CommandContext): string {
  if (holds.length === 0) return "Nobody.\n";
  const table = textTable(
    [
      { title: "FROM", width: 22 },
      { title: "UNTIL", width: 20 },
      { title: "SYMBOL", width: 8 },
      { title: "WHO", width: 22, grows: true },
      { title: "END", width: 8 },
    ],
    columns,
  );
  return (
    table.head +
    holds
      .map((hold) =>
        table.line([
          `${hold.from_known ? "" : "< "}${instantText(hold.from)}`,
          hold.end === "held" ? "now" : instantText(hold.until),
          hold.symbol,
          whoText(hold),
          hold.end,
        ]),
      )
      .join("")
  );
}

/** A device by its masked name and, where a line has one, its hash. */
function whoText({
  device,
  device_hash,
}: {
  device: string;
  device_hash?: string | null | undefined;
}): string {
  return device_hash ? `${device} ${device_hash}` : device;
}

function linesText(lines: readonly HistoryLine[], { columns }: CommandContext): string {
  const rows = lines.flatMap((line) => cellsOf(line));
  if (rows.length === 0) return "Nothing.\n";
  const table = textTable(
    [
      { title: "TIME", width: 20 },
      { title: "WHAT", width: 17 },
      { title: "SYMBOL", width: 10 },
      { title: "WHO", width: 11, grows: true },
      { title: "DETAILS", width: 14, grows: true },
    ],
    columns,
  );
  return table.head + rows.map((row) => table.line(row)).join("");
}

/** No row for the line that a session leaves each day: those are in the table of who held it. */
function cellsOf(line: HistoryLine): string[][] {
  const time = instantText(line.atMs);
  if ("code" in line) {
    const what = isFailure(line.code) ? "failed" : "refused";
    return [[time, line.code, symbolsOf(line).join(" "), whoText(line), what]];
  }
  switch (line.event) {
    case "session_claimed": {
      const details = [
        `token ${line.fencing_token}`,
        ...replacedTexts(line),
        ...line.displaced.map((taken) => `displaced ${taken.symbol} of ${takenText(taken)}`),
      ];
      return [[time, "claimed", symbolsOf(line).join(" "), whoText(line), details.join("; ")]];
    }
    case "session_active":
      return [];
    case "holder_asked": {
      const holders = line.holders.map((holder) => `asked ${whoText(holder)}`);
      return [[time, "asked", symbolsOf(line).join(" "), whoText(line), holders.join("; ")]];
    }
    case "holder_told":
    case "session_kept": {
      const what = line.event === "holder_told" ? "told" : "kept";
      const asker = line.asked_by === undefined ? "" : `asked by ${line.asked_by}`;
      return [[time, what, symbolsOf(line).join(" "), whoText(line), asker]];
    }
    case "session_released": {
      const details = [
        ...(line.free_in_seconds > 0 ? [`free after ${line.free_in_seconds} s`] : []),
        ...(line.asked_by === undefined ? [] : [`yielded to ${line.asked_by}`]),
      ];
      return [[time, "released", symbolsOf(line).join(" "), whoText(line), details.join("; ")]];
    }
    case "license_changed": {
      const operation = line.operation === undefined ? [] : [`operation ${line.operation}`];
      const why = [...(line.reason === undefined ? [] : [line.reason]), ...operation];
      return [[time, line.verb, "-", line.by, [line.changes.join(", "), ...why].join("; ")]];
    }
  }
}

function replacedTexts({ replaced = [] }: ClaimedLine): string[] {
  return typeof replaced === "string"
    ? ["replaced its own session"]
    : replaced.map((taken) => `replaced ${takenText(taken)}`);
}

function takenText(taken: Taken): string {
  const beat =
    taken.last_heartbeat === undefined
      ? ""
      : `, last heartbeat ${instantText(taken.last_heartbeat)}`;
  return `${whoText(taken)}${taken.state === undefined ? "" : ` (${taken.state}${beat})`}`;
}

function devicesText(
  { devices, conclusion, caveats }: LicenseHistory,
  nowMs: number,
  { columns }: CommandContext,
): string {
  if (devices.length === 0) return "No device claimed it or was refused.\n";
  const table = textTable(
    [
      { title: "DEVICE", width: 22, grows: true },
      { title: "CLAIMS", width: 6 },
      { title: "TAKEOVERS", width: 9 },
      { title: "OVERLAPS", width: 8 },
      { title: "LAST", width: 7 },
      { title: "REFUSALS", width: 20, grows: true },
    ],
    columns,
  );
  const lines = devices.map((one) =>
    table.line([
      whoText(one),
      String(one.claims),
      String(one.takeovers),
      String(one.overlaps),
      ageText(one.last_at, nowMs),
      refusalsText(one),
    ]),
  );
  return `${table.head}${lines.join("")}${conclusion}\n${caveats.map((caveat) => `${caveat}\n`).join("")}`;
}

function refusalsText({ refusals, failures }: DeviceSummary): string {
  const counts = Object.entries(refusals).map(([code, count]) => `${count} ${code}`);
  if (failures > 0) counts.push(`${failures} failed`);
  return counts.join(", ") || "-";
}
