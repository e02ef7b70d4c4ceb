import { deviceOf } from "../../lambdas/rules/entry.ts";
import { maskFingerprint } from "../../lambdas/rules/shown-device.ts";
import { entriesOf, entryState, type LicenseItem, licenseView } from "../data/license-item.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "./command-context.ts";
import { expiresText, standingText, timeoutText } from "./license-text.ts";
import { type Column, idText, jsonText, printable, tableText } from "./text-table.ts";
import { write } from "./write.ts";

/** A license before and after a change; absent if it did not exist, or no longer exists. */
export type BeforeAndAfter = {
  before: LicenseItem | undefined;
  after: LicenseItem | undefined;
  nowMs: number;
};

/** A change that has been made, in this table. */
export type PrintedChange = BeforeAndAfter & {
  before: LicenseItem;
  table: OpenTable;
  message: string;
};

/** Prints what changed in a license, before and after. */
export async function printChange(
  { output, columns }: Pick<CommandContext, "output" | "columns">,
  { json }: { json?: true },
  change: PrintedChange,
): Promise<void> {
  const { before, table, message } = change;
  if (json) {
    await write(output, `${jsonText(changeView(change))}\n`);
    return;
  }
  const facts = changedFacts(change);
  const whose = before.email === undefined ? "" : ` of ${printable(before.email)}`;
  await write(
    output,
    [
      `License ${idText(before.license_id, { columns })}${whose}, in ${table.place}\n`,
      facts.length > 0 ? tableText(factColumns, facts, columns) : "",
      `${message.split("\n").map(printable).join("\n")}\n`,
    ].join(""),
  );
}

const factColumns: Column<ReturnType<typeof changedFacts>[number]>[] = [
  { title: "", width: 16, text: ({ name }) => name },
  { title: "before", width: 29, grows: true, text: ({ was }) => was },
  { title: "after", width: 29, grows: true, text: ({ is }) => is },
];

/** A change as verbs print it with `--json`, and as the console answers it. */
export function changeView({ before, after, nowMs, table, message }: PrintedChange) {
  return {
    table: table.place,
    license_id: before.license_id,
    changed: before !== after,
    before: licenseView(before, nowMs),
    after: after ? licenseView(after, nowMs) : null,
    message,
  };
}

/** The differences between the two; `masked` leaves out personal data. */
export function changedFacts(
  { before, after, nowMs }: BeforeAndAfter,
  masked?: "masked",
): { name: string; was: string; is: string }[] {
  const was = before ? facts(before, nowMs, masked) : new Map([["license", "none"]]);
  const is = after ? facts(after, nowMs, masked) : new Map([["license", "none"]]);
  return [...new Set([...was.keys(), ...is.keys()])]
    .filter((name) => was.get(name) !== is.get(name))
    .map((name) => ({ name, was: was.get(name) ?? "-", is: is.get(name) ?? "-" }))
    .concat(masked ? maskedEmail(before, after) : []);
}

/** That an address changed, without the address. */
function maskedEmail(before: LicenseItem | undefined, after: LicenseItem | undefined) {
  if (!before || !after || before.email === after.email) return [];
  const shown = (email: string | undefined, other: string) =>
    email === undefined ? "none" : other;
  const is = before.email === undefined ? "an address" : "another address";
  return [{ name: "email", was: shown(before.email, "an address"), is: shown(after.email, is) }];
}

/** The facts about a license, each in one line. */
function facts(
  license: LicenseItem,
  nowMs: number,
  masked: "masked" | undefined,
): Map<string, string> {
  return new Map([
    ["license", "there"],
    ["standing", standingText(license, nowMs)],
    ["type", license.license_type],
    ...(masked ? [] : [["email", license.email ?? "-"] as const]),
    ["expires", expiresText(license)],
    ["max sessions", String(license.max_sessions)],
    ["timeout", timeoutText(license)],
    ...entriesOf(license).map(([symbol, entry]) => {
      const device = deviceOf(entry) ?? "nobody";
      const shown = masked ? maskFingerprint(device) : device;
      return [`session ${symbol}`, `${entryState(entry, nowMs)}, ${shown}`] as const;
    }),
  ]);
}
