import type { Command } from "commander";
import { Option } from "commander";
import { CommandError } from "../../engine/command-error.ts";
import { isHeld } from "../../lambdas/sessions/session.ts";
import { allSessionsEnd, sessionEnd } from "../../licenses/change-license.ts";
import type { JudgedAt, LicenseItem } from "../../licenses/license-item.ts";
import type { CommandContext } from "../terminal/command-context.ts";
import { licenseName, sessionText } from "../terminal/license-text.ts";
import { readAs, symbolSchema } from "../terminal/option-readers.ts";
import { UsageError } from "../terminal/usage-error.ts";
import { addChangeVerb, type Plan } from "./change-verb.ts";

type EndSessionOptions = { symbol?: string; all?: true };

/** Adds `end-session`, which frees what a device holds. */
export function addEndSessionCommand(program: Command, context: CommandContext): void {
  addChangeVerb<EndSessionOptions>(program, context, {
    name: "end-session",
    description:
      "Ends a session, or all, so that the next device may claim. The bot that held it is refused " +
      "at its next heartbeat, but may claim again: suspend the license to keep it out. Asks.",
    example: "end-session 4f1c09aa --symbol ES",
    addOptions: (command) =>
      command
        .addOption(
          new Option(
            "--symbol <symbol>",
            "the session of this symbol; '*' is the one without a symbol",
          )
            .argParser(readAs("--symbol", symbolSchema))
            .conflicts("all"),
        )
        .option("--all", "every session of the license"),
    plan: planEnd,
  });
}

function planEnd(
  license: LicenseItem,
  { symbol, all }: EndSessionOptions,
  judgedAt: JudgedAt,
): Plan {
  const symbols = Object.keys(license.sessions);
  if (symbols.length === 0) throw new CommandError("The license has no session; nothing was done.");
  if (all) {
    return {
      change: allSessionsEnd(license),
      question: `End all ${symbols.length} sessions of ${licenseName(license)}?`,
    };
  }
  const only = symbols.length === 1 ? symbols[0] : undefined;
  const ended = symbol ?? only;
  if (ended === undefined) {
    throw new UsageError(
      `It has several sessions (${symbols.sort().join(", ")}): say --symbol S or --all.`,
    );
  }
  const session = license.sessions[ended];
  if (!session || !isHeld(session)) {
    throw new CommandError(
      `The license has no session ${ended}; it has ${symbols.sort().join(", ")}. Nothing was done.`,
    );
  }
  return {
    change: sessionEnd(ended, session),
    question: `End session ${ended} of ${licenseName(license)} (${sessionText(session, judgedAt)})?`,
  };
}
