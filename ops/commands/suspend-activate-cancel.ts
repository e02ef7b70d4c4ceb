import type { Command } from "commander";
import type { License } from "../../lambdas/rules/license.ts";
import type { LicenseItem } from "../data/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { licenseName } from "../terminal/license-text.ts";
import { addChangeVerb, type Plan, settingPlan } from "./change-verb.ts";

export function addStatusCommands(program: Command, context: CommandContext): void {
  addStatusCommand(program, context, {
    name: "suspend",
    status: "suspended",
    description:
      "Suspends licenses: their bots stop at their next heartbeat. Asks; activate undoes it.",
    question: suspendQuestion,
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

/** What `suspend` asks before. */
export function suspendQuestion(whose: string): string {
  return `Suspend ${whose}? Its bots stop at their next heartbeat.`;
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
    selects: true,
    plan: (license) => planStatus(license, status, question),
  });
}

/** What `suspend`, `activate` and `cancel` are going to do to a license. */
export function planStatus(
  license: LicenseItem,
  status: License["status"],
  question?: (whose: string) => string,
): Plan {
  return license.status === status
    ? { alreadySo: `It is already ${status}; nothing was done.` }
    : {
        ...settingPlan(license, { status }),
        question: question?.(licenseName(license)),
      };
}
