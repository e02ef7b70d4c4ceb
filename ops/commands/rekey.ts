import type { Command } from "commander";
import { CommandError } from "../../engine/command-error.ts";
import { type JudgedAt, type LicenseItem, licenseView } from "../../licenses/license-item.ts";
import { randomLicenseKey } from "../../licenses/random-license-key.ts";
import { type RekeyOutcome, rekeyLicense } from "../../licenses/rekey-license.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { confirm } from "../terminal/confirm.ts";
import { licenseName } from "../terminal/license-text.ts";
import { fieldLines } from "../terminal/text-table.ts";
import { write } from "../terminal/write.ts";
import { addLicenseArgument, findLicense } from "./find-license.ts";
import { addTableOptions, type TableOptions, withNamedTable } from "./table-options.ts";

type RekeyOptions = TableOptions & { yes?: true };

/** Adds `rekey`, which gives a license a new key because the old one has leaked. */
export function addRekeyCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("rekey")
    .description(
      "Gives a license a new key, prints it once, and ends the old key with all its sessions. At " +
        "no moment do both work. If it is interrupted, run it again as before: that finishes it, " +
        "and a key that the interrupted run has printed never works. Asks.",
    );
  addTableOptions(addLicenseArgument(command).option("--yes", "do not ask"))
    .addHelpText("after", "\nExample:\n  npm run license -- rekey 4f1c09aa")
    .action((name: string, options: RekeyOptions) =>
      withNamedTable(options, context, async (table) => {
        const old = await findLicense(table, name, context);
        await confirm(
          context,
          options,
          `Give ${licenseName(old)} a new key? The old one and its sessions end at once.`,
        );
        const newKey = randomLicenseKey();
        const nowMs = context.now();
        const judgedAt = { nowMs, sessionTimeoutMs: table.sessionTimeoutMs };
        const outcome = await rekeyLicense(table, old.license_id, newKey, nowMs, (license) =>
          tellKey(context, options, newKey, old, license, judgedAt),
        );
        refuseUnfinished(outcome);
        if (!options.json) {
          await write(context.output, "Done: it works, and the old one does not any more.\n");
        }
      }),
    );
}

async function tellKey(
  { output }: CommandContext,
  { json }: RekeyOptions,
  newKey: string,
  old: LicenseItem,
  license: LicenseItem,
  judgedAt: JudgedAt,
): Promise<void> {
  const view = {
    license_key: newKey,
    previous_license_id: old.license_id,
    ...licenseView(license, judgedAt),
  };
  const text = [
    fieldLines("license key", `${newKey}  (shown this once)`),
    fieldLines("license id", license.license_id),
    fieldLines("before", old.license_id),
  ].join("");
  try {
    await write(output, json ? `${JSON.stringify(view)}\n` : text);
  } catch {
    throw new CommandError(
      "The new key could not be printed, so it was not put to use, and the old one has ended: run rekey again.",
    );
  }
}

function refuseUnfinished(outcome: RekeyOutcome): void {
  const { code } = outcome;
  switch (code) {
    case "rekeyed":
      return;
    case "rekeyed_before":
      throw new CommandError(
        `It has its new key already and is now ${outcome.newLicenseId.slice(0, 12)}. If that key is lost or has leaked, rekey that one.`,
      );
    case "overtaken":
      throw new CommandError(
        "Another run of rekey was quicker: the key that it printed works, and one printed here does not.",
      );
    case "placeholder":
      throw new CommandError(
        `This is the place of a key that never worked; name the license ${outcome.licenseId.slice(0, 12)}.`,
      );
  }
}
