import { Command, CommanderError } from "commander";
import { addCreateCommand } from "./create-command.ts";
import { addEndSessionCommand } from "./end-session-command.ts";
import { addExportCommand } from "./export-command.ts";
import { addExtendCommand } from "./extend-command.ts";
import { addImportCommand } from "./import-command.ts";
import { addListCommand } from "./list-command.ts";
import { addOnlineCommand } from "./online-command.ts";
import { Interrupted, Refusal, WrongUsage } from "./refusal.ts";
import { addRekeyCommand } from "./rekey-command.ts";
import { addSetCommand } from "./set-command.ts";
import { addShowCommand } from "./show-command.ts";
import { addStatusCommands } from "./status-commands.ts";
import type { Surroundings } from "./surroundings.ts";

/**
 * Runs `npm run license -- WORDS`.
 *
 * @returns the exit code: 0 done, 1 refused or not found, 2 used wrongly, 130 stopped by Ctrl-C
 */
export async function runLicense(
  words: readonly string[],
  surroundings: Surroundings,
): Promise<number> {
  const { messages } = surroundings;
  try {
    await licenseProgram(surroundings).parseAsync(words, { from: "user" });
    return 0;
  } catch (error) {
    // Commander has printed its own errors already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    if (isReaderGone(error)) return 0;
    const code = exitCodeOf(error);
    if (code === undefined || !(error instanceof Error)) throw error;
    messages.write(`${error.message}\n`);
    return code;
  }
}

function licenseProgram(surroundings: Surroundings): Command {
  const { output, messages } = surroundings;
  const program = new Command("license")
    .description(
      "Administers licenses: in the local table of npm start, or on AWS with --stack or --table.",
    )
    .usage("VERB [options]")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => output.write(text),
      writeErr: (text) => messages.write(text),
      outputError: (text, show) => show(withoutKeys(text)),
      getOutHelpWidth: () => 100,
      getErrHelpWidth: () => 100,
    })
    .showHelpAfterError("(--help tells how it is used)")
    .addHelpText(
      "after",
      `
A license is named by its key, its id, or a beginning of the id (8 characters or more).
Exit codes: 0 done, 1 refused or not found, 2 used wrongly, 130 stopped by Ctrl-C.
license VERB --help tells the rest, with an example.`,
    );
  addCreateCommand(program, surroundings);
  addShowCommand(program, surroundings);
  addListCommand(program, surroundings);
  addOnlineCommand(program, surroundings);
  addStatusCommands(program, surroundings);
  addExtendCommand(program, surroundings);
  addSetCommand(program, surroundings);
  addEndSessionCommand(program, surroundings);
  addRekeyCommand(program, surroundings);
  addImportCommand(program, surroundings);
  addExportCommand(program, surroundings);
  return program;
}

/** Commander quotes the words it does not know, and a word may be a key in the wrong place. */
function withoutKeys(text: string): string {
  return text
    .replace(/unknown command '[\s\S]*?'(?=\n|$)/, "there is no such verb")
    .replace(/unknown option '(--[a-z][a-z-]{0,30})(=[\s\S]*?)?'(?=\n|$)/, "unknown option $1")
    .replace(/unknown option '[\s\S]*?'(?=\n|$)/, "unknown option");
}

function exitCodeOf(error: unknown): number | undefined {
  if (error instanceof WrongUsage) return 2;
  if (error instanceof Refusal) return 1;
  if (error instanceof Interrupted) return 130;
  return undefined;
}

function isReaderGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}
