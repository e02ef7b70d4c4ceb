import type { Command } from "commander";
import { deleteLicense } from "../data/delete-license.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { licenseName } from "../terminal/license-text.ts";
import { addChangeVerb } from "./change-verb.ts";

export function addDeleteCommand(program: Command, context: CommandContext): void {
  addChangeVerb(program, context, {
    name: "delete",
    description:
      "Deletes licenses with all that is stored about their owners and devices. Their bots stop at " +
      "their next heartbeat. Asks; it can't be undone. To keep the license and forget the person: set --no-email.",
    example: "delete 4f1c09aa",
    more: `
What the table held stays in its point-in-time backups for 35 days, and in the log lines (license id and
the beginning of the device's name, no key and no address) as long as logs are kept. A license that was
given a new key has an item for each: find --email names them all. Don't sell the key again: its fencing
tokens would begin at 1. Nor make the same key again within a minute: a bot that held it and is cut off
from the network may trade beside the new holder until its lease is over.
`,
    takesRekeyed: true,
    leavesNothing: true,
    plan: (license) => ({
      question: `Delete ${licenseName(license)}, with ${Object.keys(license.sessions).length} sessions?`,
      apply: async (table) =>
        (await deleteLicense(table, license))
          ? { after: undefined, message: "Deleted." }
          : undefined,
    }),
  });
}
