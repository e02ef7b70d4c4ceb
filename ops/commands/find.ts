import type { Command } from "commander";
import * as z from "zod";
import { deviceOf, type ResolvedEntry } from "../../lambdas/rules/entry.ts";
import {
  entriesOf,
  entryState,
  type LicenseItem,
  licenseView,
  standingOf,
} from "../data/license-item.ts";
import { isDeviceOf, isFoundBy, isIn } from "../data/search-licenses.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { UsageError } from "../terminal/command-error.ts";
import { option, readAs } from "../terminal/option-readers.ts";
import { printList } from "../terminal/print-list.ts";
import { ageText, idText, textTable } from "../terminal/text-table.ts";
import { scanLicenses } from "./scan-licenses.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type FindOptions = TableOptions & { email?: string; device?: string; text?: string };

/** Adds `find`, which finds licenses by their owner or a device. */
export function addFindCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("find")
    .argument(
      "[text]",
      "any of these: a key, an id or its beginning, a part of the address, the beginning of a device, a symbol, the day it ends on",
      readAs("The text", textSchema),
    )
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
    .action((text: string | undefined, given: FindOptions) => {
      const options = text === undefined ? given : { ...given, text };
      return withNamedTable(options, context, async (table) => {
        const { email, device } = options;
        if (email === undefined && device === undefined && text === undefined) {
          throw new UsageError("Say what to find: a text, --email TEXT or --device TEXT.");
        }
        const nowMs = context.now();
        const scan = scanLicenses(table, context, (license) => isMeant(license, options));
        const { head, line } = textTable(columns, context.columns);
        await printList(
          context,
          options,
          {
            head,
            line: (license) => linesOf(license, options, nowMs, context).map(line).join(""),
            view: (license) => licenseView(license, nowMs),
          },
          scan.pages,
        );
        scan.expectAll();
      });
    });
}

const textSchema = z.string().trim().min(1).max(255).describe("1 to 255 characters");

const columns = [
  { title: "LICENSE", width: 12 },
  { title: "STANDING", width: 9 },
  { title: "EMAIL", width: 16, grows: true as const },
  { title: "SYMBOL", width: 8 },
  { title: "DEVICE", width: 12, grows: true as const },
  { title: "SESSION", width: 10 },
];

function isMeant(license: LicenseItem, { email, device, text }: FindOptions): boolean {
  return (
    (email === undefined || isIn(license.email, email)) &&
    (device === undefined || entriesOf(license).some(([, one]) => isOn(one, device))) &&
    (text === undefined || isFoundBy(license, text))
  );
}

function isOn(entry: ResolvedEntry, device: string): boolean {
  return isDeviceOf(deviceOf(entry), device);
}

/** One line for each matching session, or one line for a license without any. */
function linesOf(
  license: LicenseItem,
  { device = "" }: FindOptions,
  nowMs: number,
  context: CommandContext,
): string[][] {
  const about = [
    idText(license.license_id, context),
    standingOf(license, nowMs),
    license.email ?? "-",
  ];
  const sessions = entriesOf(license)
    .filter(([, entry]) => isOn(entry, device))
    .map(([symbol, entry]) => {
      const age = entry.kind === "session" ? ` ${ageText(entry.last_heartbeat, nowMs)}` : "";
      return [...about, symbol, deviceOf(entry) ?? "-", `${entryState(entry, nowMs)}${age}`];
    });
  return sessions.length > 0 ? sessions : [[...about, "-", "-", "-"]];
}
