import type { Command } from "commander";
import type { License } from "../../lambdas/rules/license.ts";
import { attributeChange } from "../data/change-license.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { licenseName } from "../terminal/license-text.ts";
import { addChangeVerb, changing } from "./change-verb.ts";

/** Adds `suspend`, `activate` and `cancel`. */
export function addStatusCommands(program: Command, context: CommandContext): void {
  addStatusCommand(program, context, {
    name: "suspend",
    status: "suspended",
    description:
      "Suspends licenses: their bots stop at their next heartbeat. Asks; activate undoes it.",
    question: (whose) => `Suspend ${whose}? Its bots stop at their next heartbeat.`,
  });
  addStatusCommand(program, context, {
    name: "activate",
    status: "active",
    description: "Makes suspended or cancelled licenses usable again, until they expire.",
  });
  addStatusCommand(program, context, {
    name: "cancel",
    status: "cancelled",
    description:
      "Cancels licenses: their bots stop at their next heartbeat. Asks; activate undoes it.",
    question: (whose) => `Cancel ${whose}? Its bots stop at their next heartbeat.`,
  });
}

type StatusVerb = {
  name: string;
  status: License["status"];
  description: string;
  question?(whose: string): string;
};

function addStatusCommand(
  program: Command,
  context: CommandContext,
  { name, status, description, question }: StatusVerb,
): void {
  addChangeVerb(program, context, {
    name,
    description,
    example: `${name} 4f1c09aa`,
    plan: (license) =>
      license.status === status
        ? { alreadySo: `It is already ${status}; nothing was done.` }
        : {
            apply: changing(license, attributeChange(license, { status })),
            question: question?.(licenseName(license)),
          },
  });
}
