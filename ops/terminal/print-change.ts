import { deviceOf, maskFingerprint } from "../../lambdas/rules/session.ts";
import { entryState, type LicenseItem, licenseView } from "../data/license-item.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "./command-context.ts";
import { expiresText, standingText } from "./license-text.ts";
import { jsonText, printable, textTable } from "./text-table.ts";
import { write } from "./write.ts";

/** A license before and after a change; absent if it did not exist, or no longer exists. */
export type BeforeAndAfter = {
  before: LicenseItem | undefined;
  after: LicenseItem | undefined;
  nowMs: number;
};

/** Prints what changed in a license, before and after. */
export async function printChange(
  { output, columns }: CommandContext,
  { json }: { json?: true },
  change: BeforeAndAfter & { before: LicenseItem; table: OpenTable; message: string },
): Promise<void> {
  const { before, after, nowMs, table, message } = change;
  if (json) {
    const views = {
      before: licenseView(before, nowMs),
      after: after ? licenseView(after, nowMs) : null,
    };
    const id = { table: table.place, license_id: before.license_id };
    await write(output, `${jsonText({ ...id, changed: before !== after, ...views, message })}\n`);
    return;
  }
  const shown = textTable(
    [
      { title: "", width: 16 },
      { title: "before", width: 29, grows: true },
      { title: "after", width: 29, grows: true },
    ],
    columns,
  );
  const lines = changedFacts(change).map(({ name, was, is }) => shown.line([name, was, is]));
  const whose = before.email === undefined ? "" : ` of ${printable(before.email)}`;
  await write(
    output,
    [
      `License ${before.license_id.slice(0, 12)}${whose}, in ${table.place}\n`,
      ...(lines.length > 0 ? [shown.head, ...lines] : []),
      `${message.split("\n").map(printable).join("\n")}\n`,
    ].join(""),
  );
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
    .map((name) => ({ name, was: was.get(name) ?? "-", is: is.get(name) ?? "-" }));
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
    ...Object.entries(license.sessions).map(([symbol, entry]) => {
      const device = deviceOf(entry) ?? "nobody";
      const shown = masked ? maskFingerprint(device) : device;
      return [`session ${symbol}`, `${entryState(entry, nowMs)}, ${shown}`] as const;
    }),
  ]);
}
