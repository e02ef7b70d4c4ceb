import type { Command } from "commander";
import * as z from "zod";
import { dayMs, type LicenseItem } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { UsageError } from "../terminal/command-error.ts";
import { expiresText, licenseName } from "../terminal/license-text.ts";
import { daysSchema, instantSchema, option } from "../terminal/option-readers.ts";
import { instantText } from "../terminal/text-table.ts";
import { addChangeVerb, type Plan, settingPlan } from "./change-verb.ts";

const untilSchema = z
  .literal("never")
  .or(instantSchema)
  .describe(`never, or ${instantSchema.description}`);

/** The last day with a four-digit year. */
const latestMs = Date.UTC(9999, 11, 31);

type ExtendOptions = { days?: number | undefined; until?: number | "never" | undefined };

export function addExtendCommand(program: Command, context: CommandContext): void {
  addChangeVerb<ExtendOptions>(program, context, {
    name: "extend",
    description:
      "Moves the end of licenses: by days, from the end or, if that is past, from now; to a date; or " +
      "to never. Asks if that is earlier than the end it has.",
    example: "extend 4f1c09aa --days 30",
    more: `
Of many: extend --type pro --days 30. It prints the id of the operation. If it is interrupted, the same
command with --operation ID goes on, and adds the days to none twice.
`,
    selects: true,
    addOptions: (command) =>
      command
        .addOption(option("--days <n>", "this many days more", daysSchema).conflicts("until"))
        .addOption(
          option(
            "--until <date>",
            "2027-01-31 (its first instant, UTC), 2027-01-31T18:00:00Z or never",
            untilSchema,
          ),
        ),
    plan: planExtension,
  });
}

/** What `extend` is going to do to a license. */
export function planExtension(
  license: LicenseItem,
  { days, until }: ExtendOptions,
  nowMs: number,
): Plan {
  const endsAtMs = license.license_expiration;
  if (days !== undefined) {
    if (endsAtMs === undefined) {
      return { refusal: "it never expires, so there is nothing to extend." };
    }
    const extendedToMs = Math.max(endsAtMs, nowMs) + days * dayMs;
    if (extendedToMs > latestMs) {
      return {
        refusal: "it can't last beyond the year 9999. Use fewer days or --until never.",
      };
    }
    return settingPlan(license, { license_expiration: extendedToMs });
  }
  if (until === undefined)
    throw new UsageError("Say how far to extend: use --days N, --until DATE or --until never.");
  if (until === "never") {
    return endsAtMs === undefined
      ? { alreadySo: "It already never expires; nothing was done." }
      : settingPlan(license, { license_expiration: undefined });
  }
  if (until <= nowMs) {
    throw new UsageError("--until must be in the future; suspend or cancel ends a license now.");
  }
  if (until === endsAtMs) return { alreadySo: "It already ends at that time; nothing was done." };
  const shortens = endsAtMs === undefined || until < endsAtMs;
  return {
    ...settingPlan(license, { license_expiration: until }),
    question: shortens
      ? `Shorten ${licenseName(license)}? Its end moves from ${expiresText(license)} to ${instantText(until)}.`
      : undefined,
  };
}
