/** Ends a command with a message for its user, printed without a stack, and an exit code. */
export abstract class CommandEnd extends Error {
  abstract readonly exitCode: number;
}

/** Why a command can't go on. */
export class CommandError extends CommandEnd {
  override name = "CommandError";
  readonly exitCode = 1;
}

/** What is wrong with the words of a command. */
export class UsageError extends CommandEnd {
  override name = "UsageError";
  readonly exitCode = 2;
}

/** How far a command had come when Ctrl-C stopped it. */
export class Interrupted extends CommandEnd {
  override name = "Interrupted";
  readonly exitCode = 130;
}
