import type { Command } from "commander";
import type { Wanted } from "../data/change-license.ts";
import type { LicenseItem } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { UsageError } from "../terminal/command-error.ts";
import { emailOption, seatsOption, timeoutOption, typeOption } from "../terminal/option-readers.ts";
import { addChangeVerb, type Plan, settingPlan } from "./change-verb.ts";

/** `email: false` is `--no-email`. */
type SetOptions = {
  maxSessions?: number;
  type?: string;
  email?: string | false;
  /** `false` is `--no-timeout`. */
  timeout?: number | false;
};

export function addSetCommand(program: Command, context: CommandContext): void {
  // Commander keeps only the last of two opposite options.
  const given = new Set<string>();
  addChangeVerb<SetOptions>(program, context, {
    name: "set",
    description: "Changes the seats, the type, the e-mail address or the timeout of licenses.",
    more: timeoutHelp,
    example: "set 4f1c09aa --max-sessions 5 --type pro --email ada@example.com",
    addOptions(command) {
      command
        .addOption(seatsOption())
        .addOption(typeOption())
        .addOption(emailOption())
        .option("--no-email", "remove the owner's address")
        .addOption(timeoutOption())
        .option("--no-timeout", "take its own timeout away: the service's applies");
      for (const name of opposites.flatMap((one) => [one, `no-${one}`])) {
        command.on(`option:${name}`, () => given.add(name));
      }
    },
    plan: (license, options) => {
      for (const name of opposites) {
        if (given.has(name) && given.has(`no-${name}`)) {
          throw new UsageError(`Nothing was done: use --${name} or --no-${name}, not both.`);
        }
      }
      return planAttributes(license, options);
    },
  });
}

function planAttributes(license: LicenseItem, options: SetOptions): Plan {
  const given: Wanted = {
    ...(options.maxSessions !== undefined && { max_sessions: options.maxSessions }),
    ...(options.type !== undefined && { license_type: options.type }),
    ...(options.email !== undefined && { email: options.email || undefined }),
    ...(options.timeout !== undefined && {
      session_timeout_seconds: options.timeout || undefined,
    }),
  };
  if (Object.keys(given).length === 0) {
    throw new UsageError(
      "Nothing to set: use --max-sessions N, --type T, --email E, --no-email, --timeout S or --no-timeout.",
    );
  }
  const stored: Wanted = license;
  const isSo = (Object.keys(given) as (keyof Wanted)[]).every(
    (name) => given[name] === stored[name],
  );
  if (isSo) return { alreadySo: "It already has these values; nothing was done." };
  return settingPlan(
    license,
    given,
    options.timeout === undefined ? undefined : timeoutMessage(options.timeout),
  );
}

const opposites = ["email", "timeout"];

const timeoutHelp = `
A license's own timeout applies to sessions that are claimed from then on; one that is held keeps its own.
Longer: its bots go on through a longer outage, and after a crash another device waits longer. Shorter: a dead
bot's key is free sooner, and a shorter outage stops its bots. A claim on such a license costs a second write.
`;

/** What a changed timeout means, and for whom. */
function timeoutMessage(timeout: number | false): string {
  const which = timeout === false ? "the service's timeout" : `${timeout} s`;
  return `Done. Sessions that are claimed from now on have ${which}: so long another device waits after a crash, and a little less an outage may last. Sessions that are held keep theirs.`;
}
