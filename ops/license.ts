import { Command, CommanderError } from "commander";
import { addCreateCommand } from "./create-command.ts";
import { Refusal, WrongUsage } from "./refusal.ts";

const program = new Command("license")
  .description("Administers licenses, in the local table or with --table on AWS.")
  .exitOverride()
  .showHelpAfterError("(--help tells how it is used)");
addCreateCommand(program, process.stdout);

/** Exit codes: 0 done, 1 refused or failed, 2 used wrongly. */
try {
  await program.parseAsync();
} catch (error) {
  // Commander has printed its own errors already.
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof WrongUsage) complain(error.message, 2);
  else if (error instanceof Refusal) complain(error.message, 1);
  else throw error;
}

function complain(message: string, exitCode: number): void {
  process.stderr.write(`${message}\n`);
  process.exitCode = exitCode;
}
