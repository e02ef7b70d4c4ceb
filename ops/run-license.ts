import { Command, CommanderError } from "commander";
import packageFile from "../package.json" with { type: "json" };
import { addCheckAddressCommand } from "./commands/check-address.ts";
import { addCreateCommand } from "./commands/create.ts";
import { addDeleteCommand } from "./commands/delete.ts";
import { addEndSessionCommand } from "./commands/end-session.ts";
import { addExportCommand } from "./commands/export.ts";
import { addExtendCommand } from "./commands/extend.ts";
import { addFindCommand } from "./commands/find.ts";
import { addHistoryCommand } from "./commands/history.ts";
import { addImportCommand } from "./commands/import.ts";
import { addListCommand } from "./commands/list.ts";
import { addNowCommand } from "./commands/now.ts";
import { addOnlineCommand } from "./commands/online.ts";
import { addRefusalsCommand } from "./commands/refusals.ts";
import { addRekeyCommand } from "./commands/rekey.ts";
import { addSetCommand } from "./commands/set.ts";
import { addShowCommand } from "./commands/show.ts";
import { addSigningKeyCommand } from "./commands/signing-key.ts";
import { addStatusCommands } from "./commands/suspend-activate-cancel.ts";
import { addUsageCommand } from "./commands/usage.ts";
import { addConsoleCommand } from "./console/console-command.ts";
import type { CommandContext } from "./terminal/command-context.ts";
import { CommandEnd } from "./terminal/command-error.ts";
import { isReaderGone } from "./terminal/write.ts";

/**
 * Runs `npm run license -- WORDS`.
 *
 * @returns the exit code, as the help lists them
 */
export async function runLicense(
  words: readonly string[],
  context: CommandContext,
): Promise<number> {
  const { messages } = context;
  try {
    await licenseProgram(context).parseAsync(words, { from: "user" });
    return 0;
  } catch (error) {
    // Commander has printed its own errors already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (isReaderGone(error)) return 0;
    if (!(error instanceof CommandEnd)) throw error;
    messages.write(`${error.message}\n`);
    return error.exitCode;
  }
}

function licenseProgram(context: CommandContext): Command {
  const { output, messages } = context;
  const program = new Command("license")
    .description(
      "Administers licenses: in the local table of npm start, or on AWS with --stack or --table.",
    )
    .version(packageFile.version, "--version", "print the version")
    .usage("VERB [options]")
    // So that --version after a verb is the verb's own.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => messages.write(text),
      outputError: (text, show) => show(withoutKeys(text)),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .showHelpAfterError("(add --help for usage)")
    .addHelpText(
      "after",
      `
A license is named by its key, its id, or a beginning of the id (8 characters or more).
LICENSE_SESSIONS_STACK stands for --stack. The Region and the credentials are those of the AWS CLI.
Exit codes: 0 done; 1 refused, not found or only partly done; 2 wrong usage; 130 stopped by Ctrl-C.
license VERB --help has the rest, with an example.`,
    );
  addCreateCommand(program, context);
  addShowCommand(program, context);
  addListCommand(program, context);
  addFindCommand(program, context);
  addOnlineCommand(program, context);
  addHistoryCommand(program, context);
  addNowCommand(program, context);
  addRefusalsCommand(program, context);
  addUsageCommand(program, context);
  addStatusCommands(program, context);
  addExtendCommand(program, context);
  addSetCommand(program, context);
  addEndSessionCommand(program, context);
  addRekeyCommand(program, context);
  addDeleteCommand(program, context);
  addImportCommand(program, context);
  addExportCommand(program, context);
  addConsoleCommand(program, context);
  addCheckAddressCommand(program, context);
  addSigningKeyCommand(program, context);
  return program;
}

/** Removes arguments that Commander quotes, because an unknown one may be a misplaced key. */
function withoutKeys(text: string): string {
  return text
    .replace(/unknown command '[\s\S]*?'(?=\n|$)/, "there is no such verb")
    .replace(/unknown option '(--[a-z][a-z-]{0,30})(=[\s\S]*?)?'(?=\n|$)/, "unknown option $1")
    .replace(/unknown option '[\s\S]*?'(?=\n|$)/, "unknown option");
}
