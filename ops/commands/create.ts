import type { Command } from "commander";
import { createLicense, defaultMaxSessions } from "../data/create-license.ts";
import { deleteLicense } from "../data/delete-license.ts";
import { dayMs, defaultLicenseType, type LicenseItem, licenseView } from "../data/license-item.ts";
import { randomLicenseKey } from "../data/random-license-key.ts";
import type { OpenTable } from "../data/with-table.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError } from "../terminal/command-error.ts";
import { expiresText, timeoutText } from "../terminal/license-text.ts";
import {
  daysSchema,
  emailOption,
  newKeySchema,
  option,
  seatsOption,
  timeoutOption,
  typeOption,
} from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { fieldsText } from "../terminal/text-table.ts";
import { changeLine, writeInHistory } from "./note-in-history.ts";
import { addChangingAction, type ChangeOptions } from "./table-options.ts";

type CreateOptions = ChangeOptions & {
  key?: string;
  type: string;
  days?: number;
  maxSessions: number;
  email?: string;
  timeout?: number;
};

export function addCreateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("create")
    .description("Creates a license and prints its key, once: only a hash of it is stored.")
    .addOption(option("--key <key>", "the key; a random one if not given", newKeySchema))
    .addOption(typeOption().default(defaultLicenseType))
    .addOption(option("--days <n>", "how long it lasts; forever if not given", daysSchema))
    .addOption(seatsOption().default(defaultMaxSessions))
    .addOption(emailOption())
    .addOption(timeoutOption());
  const help = { example: "create --type pro --days 365 --email ada@example.com" };
  addChangingAction<CreateOptions>(command, help, context, async (table, note, options) => {
    const nowMs = note.atMs;
    const { key: licenseKey = randomLicenseKey(), days } = options;
    const result = await createLicense(
      table,
      {
        licenseKey,
        licenseType: options.type,
        maxSessions: options.maxSessions,
        email: options.email,
        sessionTimeoutSeconds: options.timeout,
        expiresAtMs: days === undefined ? undefined : nowMs + days * dayMs,
        note,
      },
      nowMs,
    );
    if (!result.created) {
      throw new CommandError("A license with this key exists already; it was left as it is.");
    }
    const { license } = result;
    const view = { table: table.place, license_key: licenseKey, ...licenseView(license, nowMs) };
    const fields = [
      ["license key", `${licenseKey}  (shown this once)`],
      ["license id", license.license_id],
      ["type", license.license_type],
      ["expires", expiresText(license)],
      ["max sessions", String(license.max_sessions)],
      ["timeout", timeoutText(license)],
      ["email", license.email ?? "-"],
      ["in", table.place],
    ] as const;
    const text = fieldsText(fields, context.columns);
    await printResult(context, options, view, text).catch((error) =>
      takeBack(table, license, error),
    );
    const line = changeLine("create", note, { before: undefined, after: license, nowMs });
    await writeInHistory(context, table, note, [line]);
  });
}

/** Nobody has the key of a license that could not be printed, so the license must not stay. */
async function takeBack(table: OpenTable, license: LicenseItem, error: unknown): Promise<never> {
  const why = error instanceof CommandError ? error.message : "Nobody reads the output.";
  const isGone = await deleteLicense(table, license);
  throw new CommandError(
    isGone
      ? `The key could not be printed, so the license was deleted again; nothing is left of it. ${why}`
      : `The key of license ${license.license_id} could not be printed, and it was changed meanwhile: delete it. ${why}`,
  );
}
