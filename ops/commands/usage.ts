import type { Command } from "commander";
import * as z from "zod";
import type { LicenseUsage } from "../data/usage.ts";
import { serviceUsage } from "../data/whole-service.ts";
import { csvLine, withoutFormula } from "../import/csv-line.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { option } from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { idText, textTable } from "../terminal/text-table.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type Month = { text: string; sinceMs: number; untilMs: number };
type UsageOptions = TableOptions & { month: Month; csv?: true };

/** Adds `usage`, which lists the licenses that were used in a month. */
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
  addTableOptions(command)
    .addHelpText(
      "after",
      `
HOURS count a license once, however many symbols it held. A month is there as long as logs are kept
(logRetentionDays). Reads the logs of the month and all licenses.

Example:
  npm run license -- usage --month 2026-10`,
    )
    .action((options: UsageOptions) =>
      withNamedTable(options, context, async (table) => {
        const { sinceMs, untilMs } = options.month;
        const { variables, stop } = context;
        const nowMs = context.now();
        const usage = await serviceUsage(table, { sinceMs, untilMs, nowMs, variables, stop });
        const view = { month: options.month.text, ...usage };
        const text = options.csv ? csvText(usage.licenses) : usageText(view, context);
        await printResult(context, options, view, text);
      }),
    );
}

const monthSchema = z
  .string()
  .regex(/^\d{4}-(0[1-9]|1[0-2])$/)
  .transform((text): Month => {
    const [year = 0, month = 0] = text.split("-").map(Number);
    return { text, sinceMs: Date.UTC(year, month - 1), untilMs: Date.UTC(year, month) };
  })
  .describe("a month such as 2026-10");

function usageText(
  usage: { month: string } & Awaited<ReturnType<typeof serviceUsage>>,
  context: CommandContext,
): string {
  const { month, table, active_licenses, devices, hours, licenses } = usage;
  const { head, line } = textTable(
    [
      { title: "LICENSE", width: 12 },
      { title: "TYPE", width: 8, grows: true },
      { title: "DEVICES", width: 7 },
      { title: "DAYS", width: 4 },
      { title: "HOURS", width: 7 },
      { title: "CLAIMS", width: 6 },
      { title: "REFUSALS", width: 8 },
      { title: "EMAIL", width: 15, grows: true },
    ],
    context.columns,
  );
  const rows = licenses.map((one) =>
    line([
      idText(one.license_id, context),
      one.license_type ?? "-",
      String(one.devices),
      String(one.days),
      one.hours.toFixed(1),
      String(one.claims),
      String(one.refusals),
      one.email ?? "-",
    ]),
  );
  return `${head}${rows.join("")}${active_licenses} licenses were active in ${month}: ${devices} devices, ${hours} hours, in ${table}.\n`;
}

const csvColumns: readonly (keyof LicenseUsage)[] = [
  ...(["license_id", "email", "license_type", "devices", "days", "hours"] as const),
  ...(["claims", "refusals", "failures"] as const),
];

function csvText(licenses: readonly LicenseUsage[]): string {
  const lines = licenses.map((one) =>
    csvLine(csvColumns.map((name) => withoutFormula(String(one[name] ?? "")))),
  );
  return csvLine(csvColumns) + lines.join("");
}
