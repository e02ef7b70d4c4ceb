import type { Command } from "commander";
import { type Change, changeLicense } from "./change-license.ts";
import { confirm } from "./confirm.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { type JudgedAt, type LicenseItem, licenseView } from "./license-item.ts";
import { expiresText, standingText } from "./license-text.ts";
import { Refusal } from "./refusal.ts";
import { type Surroundings, write } from "./surroundings.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";
import { headLine, tableLine } from "./text-table.ts";

/** What a verb wants of a license, once it has seen it. */
export type Plan =
  | { alreadySo: string }
  | {
      change: Change;
      /** What it would destroy, as a question; nothing is asked without it. */
      question?: string | undefined;
    };

export type ChangeVerb<Options> = {
  name: string;
  description: string;
  /** The words after `npm run license --`. */
  example: string;
  addOptions?(command: Command): Command;
  /** @throws Refusal or WrongUsage if it can't be */
  plan(license: LicenseItem, options: Options, judgedAt: JudgedAt): Plan;
};

type CommonOptions = TableOptions & { yes?: true };

/** Adds a verb that changes one license, in one conditional write, and tells before and after. */
export function addChangeVerb<Options>(
  program: Command,
  surroundings: Surroundings,
  { name, description, example, addOptions = (command) => command, plan }: ChangeVerb<Options>,
): void {
  const command = addOptions(
    addLicenseArgument(program.command(name).description(description)),
  ).option("--yes", "do not ask");
  addTableOptions(command)
    .addHelpText("after", `\nExample:\n  npm run license -- ${example}`)
    .action((licenseName: string, options: Options & CommonOptions) =>
      withNamedTable(options, surroundings, async (table) => {
        const before = await findLicense(table, licenseName, surroundings);
        refuseRekeyed(before);
        const judgedAt = { nowMs: surroundings.now(), sessionTimeoutMs: table.sessionTimeoutMs };
        const planned = plan(before, options, judgedAt);
        if ("alreadySo" in planned) {
          await tell(surroundings, options, before, before, judgedAt, planned.alreadySo);
          return;
        }
        if (planned.question !== undefined) {
          await confirm(surroundings, options, planned.question);
        }
        const after = await changeLicense(table, before, planned.change);
        if (!after) {
          throw new Refusal(
            "The license was changed by somebody else at this moment; nothing was done. Look at it and try again.",
          );
        }
        await tell(surroundings, options, before, after, judgedAt, "Done.");
      }),
    );
}

/** @throws Refusal naming the license that took its place */
export function refuseRekeyed({ superseded_by }: LicenseItem): void {
  if (superseded_by === undefined) return;
  throw new Refusal(
    `This license was given a new key and is now ${superseded_by.slice(0, 12)}; name that one.`,
  );
}

async function tell(
  { output }: Surroundings,
  { json }: CommonOptions,
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
      ([symbol, session]) => [`session ${symbol}`, session.device_fingerprint] as const,
    ),
  ]);
}
