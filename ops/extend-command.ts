import type { Command } from "commander";
import { Option } from "commander";
import { addChangeVerb, type Plan } from "./change-command.ts";
import { attributeChange } from "./change-license.ts";
import type { JudgedAt, LicenseItem } from "./license-item.ts";
import { expiresText, licenseName } from "./license-text.ts";
import { daysSchema, instantSchema, readAs } from "./option-readers.ts";
import { Refusal, WrongUsage } from "./refusal.ts";
import type { Surroundings } from "./surroundings.ts";
import { instantText } from "./text-table.ts";

const dayMs = 86_400_000;
/** The last instant that is written with four digits of a year. */
const latestMs = Date.UTC(9999, 11, 31);

type ExtendOptions = { days?: number; until?: number };

/** Adds `extend`, which moves the end of a license. */
export function addExtendCommand(program: Command, surroundings: Surroundings): void {
  addChangeVerb<ExtendOptions>(program, surroundings, {
    name: "extend",
    description:
      "Moves the end of a license: by days, from its end or, if that is past, from now; or to a " +
      "date. Asks if that date is earlier than the end it has.",
    example: "extend 4f1c09aa --days 30",
    addOptions: (command) =>
      command
        .addOption(
          new Option("--days <n>", "this many days more")
            .argParser(readAs("--days", daysSchema))
            .conflicts("until"),
        )
        .option(
          "--until <date>",
          "2027-01-31 (its first instant, UTC) or 2027-01-31T18:00:00Z",
          readAs("--until", instantSchema),
        ),
    plan: planExtension,
  });
}

function planExtension(
  license: LicenseItem,
  { days, until }: ExtendOptions,
  { nowMs }: JudgedAt,
): Plan {
  const endsAtMs = license.license_expiration;
  if (days !== undefined) {
    if (endsAtMs === undefined) {
      throw new Refusal("It never expires, so there is nothing to extend; nothing was done.");
    }
    const extendedToMs = Math.max(endsAtMs, nowMs) + days * dayMs;
    if (extendedToMs > latestMs) throw new Refusal("A license can't last beyond the year 9999.");
    return { change: attributeChange(license, { license_expiration: extendedToMs }) };
  }
  if (until === undefined) throw new WrongUsage("Say by how much: --days N or --until DATE.");
  if (until <= nowMs) {
    throw new WrongUsage("--until must be in the future; suspend or cancel ends a license now.");
  }
  if (until === endsAtMs) return { alreadySo: "It ends then already; nothing was done." };
  const shortens = endsAtMs === undefined || until < endsAtMs;
  return {
    change: attributeChange(license, { license_expiration: until }),
    question: shortens
      ? `This shortens ${licenseName(license)}: it ends ${expiresText(license)} now, and would end ${instantText(until)}. Go on?`
      : undefined,
  };
}
