import type { Command } from "commander";
import * as z from "zod";
import { deviceOf, type Entry, isSession } from "../../lambdas/rules/session.ts";
import { entryState, type LicenseItem, licenseView, standingOf } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { UsageError } from "../terminal/command-error.ts";
import { option } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { ageText, textTable } from "../terminal/text-table.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type FindOptions = TableOptions & { email?: string; device?: string };

/** Adds `find`, which finds licenses by their owner or a device. */
export function addFindCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("find")
    .description(
      "Finds licenses by their owner's address or by a device that holds or held a session. Reads " +
        "through all licenses.",
    )
    .addOption(option("--email <text>", "a part of the address, in any case", textSchema))
    .addOption(
      option(
        "--device <text>",
        "the device or its beginning, also as answers and logs show it: abcd1234...",
        textSchema,
      ),
    );
  addTableOptions(command)
    .addHelpText("after", "\nExample:\n  npm run license -- find --email ada@")
    .action((options: FindOptions) =>
      withNamedTable(options, context, async (table) => {
        if (options.email === undefined && options.device === undefined) {
          throw new UsageError("Say what to find: use --email TEXT or --device TEXT.");
        }
        const nowMs = context.now();
        const scan = scanLicenses(table, context, (license) => isMeant(license, options));
        const { head, line } = textTable(columns, context.columns);
        await printList(
          context,
          options,
          {
            head,
            line: (license) => linesOf(license, options, nowMs).map(line).join(""),
            view: (license) => licenseView(license, nowMs),
          },
          scan.pages,
        );
        scan.expectAll();
      }),
    );
}

const textSchema = z
  .string()
  .trim()
  .min(1)
  .max(255)
  .transform((text) => text.replace(/\.\.\.$/, ""))
  .describe("1 to 255 characters");

const columns = [
  { title: "LICENSE", width: 12 },
  { title: "STANDING", width: 9 },
  { title: "EMAIL", width: 16, grows: true as const },
  { title: "SYMBOL", width: 8 },
  { title: "DEVICE", width: 12, grows: true as const },
  { title: "SESSION", width: 10 },
];

function isMeant(license: LicenseItem, { email, device }: FindOptions): boolean {
  return (
    (email === undefined || hasText(license.email, email)) &&
    (device === undefined || Object.values(license.sessions).some((entry) => isOn(entry, device)))
  );
}

function hasText(text: string | undefined, part: string): boolean {
  return text?.toLowerCase().includes(part.toLowerCase()) === true;
}

function isOn(entry: Entry, device: string): boolean {
  return deviceOf(entry)?.startsWith(device) === true;
}

/** One line for each matching session, or one line for a license without any. */
function linesOf(license: LicenseItem, { device = "" }: FindOptions, nowMs: number): string[][] {
  const about = [license.license_id.slice(0, 12), standingOf(license, nowMs), license.email ?? "-"];
  const sessions = Object.entries(license.sessions)
    .filter(([, entry]) => isOn(entry, device))
    .map(([symbol, entry]) => {
      const age = isSession(entry) ? ` ${ageText(entry.last_heartbeat, nowMs)}` : "";
      return [...about, symbol, deviceOf(entry) ?? "-", `${entryState(entry, nowMs)}${age}`];
    });
  return sessions.length > 0 ? sessions : [[...about, "-", "-", "-"]];
}
