/** Why a command can't go on, in words for its user. Printed without a stack; exit code 1. */
export class CommandError extends Error {
  override name = "CommandError";
}
