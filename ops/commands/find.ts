import type { Command } from "commander";
import * as z from "zod";
import { deviceOf, type ResolvedEntry } from "../../lambdas/rules/entry.ts";
import { entriesOf, entryState, type LicenseItem, standingOf } from "../data/license-item.ts";
import { isDeviceOf, isFoundBy, isIn } from "../data/search-licenses.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { UsageError } from "../terminal/command-error.ts";
import { option, readAs } from "../terminal/option-readers.ts";
import { ageText, type Column, idText, textTable } from "../terminal/text-table.ts";
import { printLicenses } from "./scan-licenses.ts";
import { addAction, type TableOptions } from "./table-options.ts";

type Sought = { email?: string; device?: string; text?: string | undefined };

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
  const help = { example: "find --email ada@" };
  addAction<TableOptions & Sought, string | undefined>(
    command,
    help,
    context,
    async (table, options, text) => {
      const { email, device } = options;
      if (email === undefined && device === undefined && text === undefined) {
        throw new UsageError("Say what to find: a text, --email TEXT or --device TEXT.");
      }
      const nowMs = context.now();
      const isWanted = (license: LicenseItem) => isMeant(license, { ...options, text });
      const { head, line } = textTable(columnsFor(nowMs, context), context.columns);
      await printLicenses(table, context, options, isWanted, {
        head,
        line: (license) => found(license, device).map(line).join(""),
      });
    },
  );
}

const textSchema = z.string().trim().min(1).max(255).describe("1 to 255 characters");

/** A license with a matching session, or without any. */
type Found = { license: LicenseItem; symbol: string; entry?: ResolvedEntry };

const columnsFor = (nowMs: number, context: CommandContext): Column<Found>[] => [
  { title: "LICENSE", width: 12, text: ({ license }) => idText(license.license_id, context) },
  { title: "STANDING", width: 9, text: ({ license }) => standingOf(license, nowMs) },
  { title: "EMAIL", width: 16, grows: true, text: ({ license }) => license.email ?? "-" },
  { title: "SYMBOL", width: 8, text: ({ symbol }) => symbol },
  {
    title: "DEVICE",
    width: 12,
    grows: true,
    text: ({ entry }) => (entry && deviceOf(entry)) ?? "-",
  },
  { title: "SESSION", width: 10, text: ({ entry }) => stateText(entry, nowMs) },
];

function isMeant(license: LicenseItem, { email, device, text }: Sought): boolean {
  return (
    (email === undefined || isIn(license.email, email)) &&
    (device === undefined || entriesOf(license).some(([, one]) => isOn(one, device))) &&
    (text === undefined || isFoundBy(license, text))
  );
}

function isOn(entry: ResolvedEntry, device: string): boolean {
  return isDeviceOf(deviceOf(entry), device);
}

function found(license: LicenseItem, device = ""): Found[] {
  const sessions = entriesOf(license)
    .filter(([, entry]) => isOn(entry, device))
    .map(([symbol, entry]) => ({ license, symbol, entry }));
  return sessions.length > 0 ? sessions : [{ license, symbol: "-" }];
}

function stateText(entry: ResolvedEntry | undefined, nowMs: number): string {
  if (!entry) return "-";
  const age = entry.kind === "session" ? ` ${ageText(entry.last_heartbeat, nowMs)}` : "";
  return `${entryState(entry, nowMs)}${age}`;
}
