import type { Command } from "commander";
import { createLicense, defaultMaxSessions } from "../data/create-license.ts";
import { dayMs, defaultLicenseType, licenseView } from "../data/license-item.ts";
import { randomLicenseKey } from "../data/random-license-key.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { CommandError } from "../terminal/command-error.ts";
import { expiresText } from "../terminal/license-text.ts";
import {
  daysSchema,
  emailOption,
  keySchema,
  option,
  seatsOption,
  typeOption,
} from "../terminal/option-readers.ts";
import { printResult } from "../terminal/print-result.ts";
import { fieldsText } from "../terminal/text-table.ts";
import { noteInHistory } from "./note-in-history.ts";
import { addChangeOptions, type ChangeOptions, withChangedTable } from "./table-options.ts";

type CreateOptions = ChangeOptions & {
  key?: string;
  type: string;
  days?: number;
  maxSessions: number;
  email?: string;
};

/** Adds `create`, which creates a license and prints its key, once. */
export function addCreateCommand(program: Command, context: CommandContext): void {
  const command = program
    .command("create")
    .description("Creates a license and prints its key, once: only a hash of it is stored.")
    .addOption(option("--key <key>", "the key; a random one if not given", keySchema))
    .addOption(typeOption().default(defaultLicenseType))
    .addOption(option("--days <n>", "how long it lasts; forever if not given", daysSchema))
    .addOption(seatsOption().default(defaultMaxSessions))
    .addOption(emailOption());
  addChangeOptions(command)
    .addHelpText(
      "after",
      "\nExample:\n  npm run license -- create --type pro --days 365 --email ada@example.com",
    )
    .action((options: CreateOptions) =>
      withChangedTable(options, context, async (table, note) => {
        const nowMs = note.atMs;
        const licenseKey = options.key ?? randomLicenseKey();
        const result = await createLicense(
          table,
          {
            licenseKey,
            licenseType: options.type,
            maxSessions: options.maxSessions,
            note,
            ...(options.email !== undefined && { email: options.email }),
            ...(options.days !== undefined && { expiresAtMs: nowMs + options.days * dayMs }),
          },
          nowMs,
        );
        if (!result.created) {
          throw new CommandError("A license with this key exists already; it was left as it is.");
        }
        const { license } = result;
        const view = {
          table: table.place,
          license_key: licenseKey,
          ...licenseView(license, nowMs),
        };
        const fields = [
          ["license key", `${licenseKey}  (shown this once)`],
          ["license id", license.license_id],
          ["type", license.license_type],
          ["expires", expiresText(license)],
          ["max sessions", String(license.max_sessions)],
          ["email", license.email ?? "-"],
          ["in", table.place],
        ] as const;
        await printResult(context, options, view, fieldsText(fields, context.columns));
        const made = { before: undefined, after: license, nowMs };
        await noteInHistory(context, table, "create", note, made);
      }),
    );
}
