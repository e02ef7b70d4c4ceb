import type { Command } from "commander";
import { type LicenseItem, licenseView } from "../data/license-item.ts";
import { randomLicenseKey } from "../data/random-license-key.ts";
import { type RekeyOutcome, rekeyLicense } from "../data/rekey-license.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError } from "../terminal/command-error.ts";
import { confirm } from "../terminal/confirm.ts";
import { licenseName } from "../terminal/license-text.ts";
import { printResult } from "../terminal/print-result.ts";
import { fieldsText } from "../terminal/text-table.ts";
import { write } from "../terminal/write.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { noteInHistory } from "./note-in-history.ts";
import { addChangeOptions, type ChangeOptions, withChangedTable } from "./table-options.ts";

/** Adds `rekey`, which gives a license a new key because the old one has leaked. */
export function addRekeyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("rekey")
    .description(
      "Gives a license a new key, prints it once, and ends the old key with all its sessions. At " +
        "no moment do both work. If it is interrupted, run it again as before: that finishes it, " +
        "and a key that the interrupted run has printed never works. Asks.",
    );
  addChangeOptions(addLicenseArgument(command))
    .addHelpText("after", "\nExample:\n  npm run license -- rekey 4f1c09aa")
    .action((name: string, options: ChangeOptions) =>
      withChangedTable(options, context, async (table, opened) => {
        const old = await findLicense(table, name, context);
        await confirm(
          context,
          options,
          `Give ${licenseName(old)} a new key? The old one and its sessions end at once.`,
        );
        const newKey = randomLicenseKey();
        const nowMs = context.now();
        const note = { ...opened, atMs: nowMs };
        let renewed: LicenseItem | undefined;
        const outcome = await rekeyLicense(table, old.license_id, newKey, note, async (license) => {
          renewed = license;
          const before = {
            table: table.place,
            license_key: newKey,
            previous_license_id: old.license_id,
          };
          const view = { ...before, ...licenseView(license, nowMs) };
          const fields = [
            ["license key", `${newKey}  (shown this once)`],
            ["license id", license.license_id],
            ["before", old.license_id],
            ["in", table.place],
          ] as const;
          const text = fieldsText(fields, context.columns);
          await printResult(context, options, view, text).catch(() => {
            throw new CommandError(
              "The new key could not be printed, so it was not put to use, and the old one has ended: run rekey again.",
            );
          });
        });
        refuseUnfinished(outcome);
        const change = { before: old, after: renewed, nowMs };
        await noteInHistory(context, table, "rekey", note, change);
        if (!options.json) {
          await write(context.output, "Done: the new key works, and the old one no longer does.\n");
        }
      }),
    );
}

function refuseUnfinished(outcome: RekeyOutcome): void {
  const { code } = outcome;
  switch (code) {
    case "rekeyed":
      return;
    case "rekeyed_before":
      throw new CommandError(
        `It already has its new key, and is now ${outcome.newLicenseId.slice(0, 12)}. If that key is lost or has leaked, rekey that one.`,
      );
    case "overtaken":
      throw new CommandError(
        "Another run of rekey finished first: its key works, and a key printed by this run does not.",
      );
    case "placeholder":
      throw new CommandError(
        `This key was never put to use. Name its license instead: ${outcome.licenseId.slice(0, 12)}.`,
      );
  }
}
