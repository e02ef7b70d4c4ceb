import type { Command } from "commander";
import type { Hold } from "../data/holds.ts";
import { type LicenseHistory, licenseHistory } from "../data/license-history.ts";
import { deviceText, lineWords } from "../data/line-words.ts";
import type { DeviceSummary } from "../data/sharing.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { type Since, sinceOption, untilOption } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { ageText, type Column, idText, instantText, tableText } from "../terminal/text-table.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { addAction, type TableOptions } from "./table-options.ts";

type HistoryOptions = TableOptions & { since: Since; until?: number };

export function addHistoryCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("history")
    .description(
      "Shows who held a license when, who was refused, and what operators changed, under all keys " +
        "that it has had; then a summary of each device, and whether the key looks shared.",
    )
    .addOption(sinceOption(7))
    .addOption(untilOption());
  addLicenseArgument(command);
  const more = `
A hold ends as released, replaced (by its own device), ended (by an operator), lapsed (no heartbeat came after
UNTIL) or held; unknown: no line says how, and UNTIL is the last sign of it. With --stack it reads the logs of
the functions, as long as they are kept (logRetentionDays); else the file history.jsonl in the DATA_DIR of
npm start. Devices are masked, as answers have them; ten digits of a hash tell them apart. "<": since before.
OVERLAPS: refusals while another device held it, but for those of a device that had asked that one to release it.
`;
  const help = { example: "history DEMO-DEMO-DEMO-DEMO --since 3d", more };
  addAction<HistoryOptions>(command, help, context, async (table, options, name) => {
    const license = await findLicense(table, name, context);
    const nowMs = context.now();
    const period = { sinceMs: options.since(nowMs), untilMs: options.until };
    const history = await licenseHistory(table, license, period, context);
    await printResult(context, options, history, historyText(history, nowMs, context));
  });
}

function historyText(history: LicenseHistory, nowMs: number, context: CommandContext): string {
  const { license_id, license_ids, table, since, until, holds, devices } = history;
  const { columns } = context;
  const others = license_ids.filter((id) => id !== license_id);
  const keys =
    others.length > 0
      ? ` (with its other keys: ${others.map((id) => idText(id, context)).join(", ")})`
      : "";
  const rows = history.lines.flatMap((line) => {
    const words = lineWords(line, instantText);
    return words ? [{ ...words, time: instantText(line.atMs) }] : [];
  });
  const tableOf = <Row>(shown: readonly Column<Row>[], of: readonly Row[], none: string) =>
    of.length > 0 ? tableText(shown, of, columns) : none;
  return [
    `License ${idText(license_id, context)}${keys} in ${table},\nfrom ${instantText(since)} to ${instantText(until)}\n`,
    `\nWho held it\n${tableOf(holdColumns, holds, "Nobody.\n")}`,
    `\nWhat happened\n${tableOf(lineColumns, rows, "Nothing.\n")}`,
    `\nDevices\n${tableOf(deviceColumns(nowMs), devices, "No device claimed it or was refused.\n")}`,
    ...(devices.length > 0
      ? [history.conclusion, ...history.caveats].map((text) => `${text}\n`)
      : []),
  ].join("");
}

const holdColumns: Column<Hold>[] = [
  {
    title: "FROM",
    width: 22,
    text: (hold) => `${hold.from_known ? "" : "< "}${instantText(hold.from)}`,
  },
  {
    title: "UNTIL",
    width: 20,
    text: (hold) => (hold.end === "held" ? "now" : instantText(hold.until)),
  },
  { title: "SYMBOL", width: 8, text: (hold) => hold.symbol },
  { title: "WHO", width: 22, grows: true, text: deviceText },
  { title: "END", width: 8, text: (hold) => hold.end },
];

const lineColumns: Column<Record<"time" | "what" | "symbols" | "who" | "details", string>>[] = [
  { title: "TIME", width: 20, text: (line) => line.time },
  { title: "WHAT", width: 17, text: (line) => line.what },
  { title: "SYMBOL", width: 10, text: (line) => line.symbols },
  { title: "WHO", width: 11, grows: true, text: (line) => line.who },
  { title: "DETAILS", width: 14, grows: true, text: (line) => line.details },
];

const deviceColumns = (nowMs: number): Column<DeviceSummary>[] => [
  { title: "DEVICE", width: 22, grows: true, text: deviceText },
  { title: "CLAIMS", width: 6, text: (one) => String(one.claims) },
  { title: "TAKEOVERS", width: 9, text: (one) => String(one.takeovers) },
  { title: "OVERLAPS", width: 8, text: (one) => String(one.overlaps) },
  { title: "LAST", width: 7, text: (one) => ageText(one.last_at, nowMs) },
  { title: "REFUSALS", width: 20, grows: true, text: refusalsText },
];

function refusalsText({ refusals, failures }: DeviceSummary): string {
  const counts = Object.entries(refusals).map(([code, count]) => `${count} ${code}`);
  if (failures > 0) counts.push(`${failures} failed`);
  return counts.join(", ") || "-";
}
