import type { Command } from "commander";
import type { ChangeNote } from "../data/change-note.ts";
import { type LicenseItem, licenseView } from "../data/license-item.ts";
import { randomLicenseKey } from "../data/random-license-key.ts";
import type { ChangeLine } from "../data/record-changes.ts";
import { type RekeyOutcome, rekeyLicense } from "../data/rekey-license.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError } from "../terminal/command-error.ts";
import { confirm } from "../terminal/confirm.ts";
import { licenseName } from "../terminal/license-text.ts";
import { printResult } from "../terminal/print-result.ts";
import { fieldsText } from "../terminal/text-table.ts";
import { write } from "../terminal/write.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { changeLine, writeInHistory } from "./note-in-history.ts";
import { addChangingAction } from "./table-options.ts";

export function addRekeyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("rekey")
    .description(
      "Gives a license a new key, prints it once, and ends the old key with all its sessions. At " +
        "no moment do both work. If it is interrupted, run it again as before: that finishes it, " +
        "and a key that the interrupted run has printed never works. Asks.",
    );
  addLicenseArgument(command);
  const help = { example: "rekey 4f1c09aa" };
  addChangingAction(command, help, context, async (table, opened, options, name) => {
    const old = await findLicense(table, name, context);
    await confirm(context, options, rekeyQuestion(old));
    const note = { ...opened, atMs: context.now() };
    await giveNewKey(table, old, note, context, async (view) => {
      const fields = [
        ["license key", `${view.license_key}  (shown this once)`],
        ["license id", view.license_id],
        ["id before", view.previous_license_id],
        ["in", view.table],
      ] as const;
      await printResult(context, options, view, fieldsText(fields, context.columns));
    });
    if (!options.json) {
      await write(context.output, "Done: the new key works, and the old one no longer does.\n");
    }
  });
}

/**
 * Gives a license a new key: what the verb does after its question, and the console after its button.
 *
 * @param show shows the new key, before it works; if it throws, the key is never put to use
 * @throws CommandError if that fails, or another run was faster
 */
export async function giveNewKey(
  table: OpenTable,
  old: LicenseItem,
  note: ChangeNote,
  context: Pick<CommandContext, "messages" | "variables">,
  show: (view: NewKeyView) => Promise<void>,
): Promise<void> {
  const newKey = randomLicenseKey();
  const nowMs = note.atMs;
  let renewed: LicenseItem | undefined;
  const outcome = await rekeyLicense(table, old.license_id, newKey, note, async (license) => {
    renewed = license;
    await show({
      table: table.place,
      license_key: newKey,
      previous_license_id: old.license_id,
      ...licenseView(license, nowMs),
    }).catch(() => {
      throw new CommandError(
        "The new key could not be printed, so it was not put to use, and the old one has ended: run rekey again.",
      );
    });
  });
  const why = whyUnfinished(outcome);
  if (why !== undefined) throw new CommandError(why);
  await writeInHistory(context, table, note, rekeyLines(note, old, renewed, nowMs));
}

type NewKeyView = ReturnType<typeof licenseView> & {
  table: string;
  license_key: string;
  previous_license_id: string;
};

/** What `rekey` asks before. */
export function rekeyQuestion(license: LicenseItem): string {
  return `Give ${licenseName(license)} a new key? The old one and its sessions end at once.`;
}

/** A line under each of the two ids, so that the history of either leads to the other. */
function rekeyLines(
  note: ChangeNote,
  old: LicenseItem,
  renewed: LicenseItem | undefined,
  nowMs: number,
): ChangeLine[] {
  const ended = changeLine("rekey", note, { before: old, after: undefined, nowMs });
  if (!renewed) return [ended];
  const changes = [
    `license id: ${old.license_id.slice(0, 12)} -> ${renewed.license_id.slice(0, 12)}`,
  ];
  return [
    { ...ended, changes, next_license_id: renewed.license_id },
    { ...ended, changes, license_id: renewed.license_id, previous_license_id: old.license_id },
  ];
}

/** Why the new key does not work, if it doesn't. */
function whyUnfinished(outcome: RekeyOutcome): string | undefined {
  switch (outcome.code) {
    case "rekeyed":
      return undefined;
    case "rekeyed_before":
      return `It already has its new key, and is now ${outcome.newLicenseId}. If that key is lost or has leaked, rekey that one.`;
    case "overtaken":
      return "Another run of rekey finished first: its key works, and a key printed by this run does not.";
    case "placeholder":
      return `This key was never put to use. Name its license instead: ${outcome.licenseId}.`;
  }
}
