/** Why a command is not done, in words for whoever typed it. Ends it with exit code 1. */
export class Refusal extends Error {
  override name = "Refusal";
}

/** What is wrong with the words of a command. Ends it with exit code 2. */
export class WrongUsage extends Error {
  override name = "WrongUsage";
}

/** How far a command had come when it was told to stop. Ends it with exit code 130, as Ctrl-C does. */
export class Interrupted extends Error {
  override name = "Interrupted";
}
