import { deviceOf } from "../../lambdas/sessions/session.ts";
import { type JudgedAt, type LicenseItem, licenseView } from "../../licenses/license-item.ts";
import type { CommandContext } from "./command-context.ts";
import { expiresText, standingText } from "./license-text.ts";
import { headLine, tableLine } from "./text-table.ts";
import { write } from "./write.ts";

/** Prints what of a license was changed, before and after. */
export async function printChange(
  { output }: CommandContext,
  { json }: { json?: true },
  before: LicenseItem,
  after: LicenseItem,
  judgedAt: JudgedAt,
  message: string,
): Promise<void> {
  if (json) {
    const changed = before !== after;
    const views = { before: licenseView(before, judgedAt), after: licenseView(after, judgedAt) };
    await write(
      output,
      `${JSON.stringify({ license_id: before.license_id, changed, ...views })}\n`,
    );
    return;
  }
  const columns = [
    { title: "", width: 20 },
    { title: "before", width: 38 },
    { title: "after", width: 38 },
  ];
  const was = facts(before, judgedAt);
  const is = facts(after, judgedAt);
  const changed = [...new Set([...was.keys(), ...is.keys()])].filter(
    (name) => was.get(name) !== is.get(name),
  );
  const lines = changed.map((name) =>
    tableLine(columns, [name, was.get(name) ?? "-", is.get(name) ?? "-"]),
  );
  const table = lines.length > 0 ? `${headLine(columns)}${lines.join("")}` : "";
  const whose = before.email === undefined ? "" : ` of ${before.email}`;
  await write(output, `License ${before.license_id.slice(0, 12)}${whose}\n${table}${message}\n`);
}

/** What there is to say of a license, each in one line. */
function facts(license: LicenseItem, judgedAt: JudgedAt): Map<string, string> {
  return new Map([
    ["standing", standingText(license, judgedAt.nowMs)],
    ["status", license.status],
    ["type", license.license_type],
    ["email", license.email ?? "-"],
    ["expires", expiresText(license)],
    ["max sessions", String(license.max_sessions)],
    ...Object.entries(license.sessions).map(
      ([symbol, session]) => [`session ${symbol}`, deviceOf(session) ?? "unreadable"] as const,
    ),
  ]);
}
