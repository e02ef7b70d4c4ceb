import type { Command } from "commander";
import type { License } from "../lambdas/sessions/license.ts";
import { addChangeVerb } from "./change-command.ts";
import { attributeChange } from "./change-license.ts";
import { licenseName } from "./license-text.ts";
import type { Surroundings } from "./surroundings.ts";

/** Adds `suspend`, `activate` and `cancel`. */
export function addStatusCommands(program: Command, surroundings: Surroundings): void {
  addStatusCommand(program, surroundings, {
    name: "suspend",
    status: "suspended",
    description:
      "Suspends a license: its bots stop at their next heartbeat. Asks; activate undoes it.",
    question: (whose) => `Suspend ${whose}? Its bots stop at their next heartbeat.`,
  });
  addStatusCommand(program, surroundings, {
    name: "activate",
    status: "active",
    description: "Makes a suspended or cancelled license usable again, until it expires.",
  });
  addStatusCommand(program, surroundings, {
    name: "cancel",
    status: "cancelled",
    description:
      "Cancels a license for good: its bots stop at their next heartbeat. Asks; activate undoes it.",
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
  surroundings: Surroundings,
  { name, status, description, question }: StatusVerb,
): void {
  addChangeVerb(program, surroundings, {
    name,
    description,
    example: `${name} 4f1c09aa`,
    plan: (license) =>
      license.status === status
        ? { alreadySo: `It is ${status} already; nothing was done.` }
        : {
            change: attributeChange(license, { status }),
            question: question?.(licenseName(license)),
          },
  });
}
