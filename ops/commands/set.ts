import type { Command } from "commander";
import { attributeChange, type Wanted } from "../data/change-license.ts";
import type { LicenseItem } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { UsageError } from "../terminal/command-error.ts";
import { emailOption, seatsOption, typeOption } from "../terminal/option-readers.ts";
import { addChangeVerb, changing, type Plan } from "./change-verb.ts";

/** `email: false` is `--no-email`. */
type SetOptions = { maxSessions?: number; type?: string; email?: string | false };

/** Adds `set`, which changes what was sold and to whom. */
export function addSetCommand(program: Command, context: CommandContext): void {
  addChangeVerb<SetOptions>(program, context, {
    name: "set",
    description: "Changes the seats, the type or the e-mail address of licenses.",
    example: "set 4f1c09aa --max-sessions 5 --type pro --email ada@example.com",
    addOptions: (command) =>
      command
        .addOption(seatsOption())
        .addOption(typeOption())
        .addOption(emailOption())
        .option("--no-email", "remove the owner's address"),
    plan: planAttributes,
  });
}

function planAttributes(license: LicenseItem, options: SetOptions): Plan {
  const given: Wanted = {
    ...(options.maxSessions !== undefined && { max_sessions: options.maxSessions }),
    ...(options.type !== undefined && { license_type: options.type }),
    ...(options.email !== undefined && { email: options.email || undefined }),
  };
  if (Object.keys(given).length === 0) {
    throw new UsageError(
      "Nothing to set: use --max-sessions N, --type T, --email E or --no-email.",
    );
  }
  const stored: Wanted = license;
  const isSo = (Object.keys(given) as (keyof Wanted)[]).every(
    (name) => given[name] === stored[name],
  );
  return isSo
    ? { alreadySo: "It already has these values; nothing was done." }
    : { apply: changing(license, attributeChange(license, given)) };
}
