import type { Command } from "commander";
import * as z from "zod";
import type { LicenseUsage } from "../data/usage.ts";
import { serviceUsage } from "../data/whole-service.ts";
import { csvTable } from "../import/csv-line.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { option } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { type Column, idText, tableText } from "../terminal/text-table.ts";
import { addAction, type TableOptions } from "./table-options.ts";

type Month = { text: string; sinceMs: number; untilMs: number };
type UsageOptions = TableOptions & { month: Month; csv?: true };

export function addUsageCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("usage")
    .description(
      "Lists the licenses that were used in a month: devices, days, hours, claims and refusals, by " +
        "the lines that claims, releases and, once a day, running sessions leave.",
    )
    .addOption(
      option("--month <month>", "such as 2026-10 (UTC)", monthSchema).makeOptionMandatory(),
    )
    .option("--csv", "print CSV, for a spreadsheet");
  const more = `
HOURS count a license once, however many symbols it held. A month is there as long as logs are kept
(logRetentionDays). Reads the logs of the month and all licenses.
`;
  const help = { example: "usage --month 2026-10", more };
  addAction<UsageOptions>(command, help, context, async (table, options) => {
    const { text: month, ...period } = options.month;
    const usage = await serviceUsage(table, period, context);
    const { active_licenses, devices, hours, licenses } = usage;
    const sum = `${active_licenses} licenses were active in ${month}: ${devices} devices, ${hours} hours, in ${table.place}.\n`;
    const text = options.csv
      ? csv.head + licenses.map(csv.line).join("")
      : tableText(columnsFor(context), licenses, context.columns) + sum;
    await printResult(context, options, { month, ...usage }, text);
  });
}

const monthSchema = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
  .transform((text): Month => {
    const [year = 0, month = 0] = text.split("-").map(Number);
    return { text, sinceMs: Date.UTC(year, month - 1), untilMs: Date.UTC(year, month) };
  })
  .describe("a month such as 2026-10");

const columnsFor = (context: CommandContext): Column<LicenseUsage>[] => [
  { title: "LICENSE", width: 12, text: (one) => idText(one.license_id, context) },
  { title: "TYPE", width: 8, grows: true, text: (one) => one.license_type ?? "-" },
  { title: "DEVICES", width: 7, text: (one) => String(one.devices) },
  { title: "DAYS", width: 4, text: (one) => String(one.days) },
  { title: "HOURS", width: 7, text: (one) => one.hours.toFixed(1) },
  { title: "CLAIMS", width: 6, text: (one) => String(one.claims) },
  { title: "REFUSALS", width: 8, text: (one) => String(one.refusals) },
  { title: "EMAIL", width: 15, grows: true, text: (one) => one.email ?? "-" },
];

const csv = csvTable<LicenseUsage>([
  ...(["license_id", "email", "license_type", "devices", "days", "hours"] as const),
  ...(["claims", "refusals", "failures"] as const),
]);
