import type { Command } from "commander";
import * as z from "zod";
import { standings } from "../data/license-item.ts";
import type { Selection } from "../data/select-licenses.ts";
import { daysSchema, option, typeSchema } from "../terminal/option-readers.ts";

const statusSchema = z.enum(standings).describe(`one of ${standings.join(", ")}`);
const versionSchema = z.string().min(1).max(64).describe("1 to 64 characters");

/** Adds the options that choose licenses by what they are. */
export function addSelectionOptions(command: Command): Command {
  return command
    .addOption(
      option(
        "--status <status>",
        "active (and not expired), suspended, cancelled, expired or rekeyed",
        statusSchema,
      ),
    )
    .addOption(option("--type <type>", "of this license type", typeSchema))
    .addOption(
      option("--version <version>", "with a live bot that reports this version", versionSchema),
    )
    .addOption(
      option("--expiring-within <days>", "active ones that end within so many days", daysSchema),
    );
}

export function isSelection({ status, type, version, expiringWithin }: Selection): boolean {
  return [status, type, version, expiringWithin].some((given) => given !== undefined);
}
