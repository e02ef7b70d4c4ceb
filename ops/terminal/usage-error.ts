/** What is wrong with the words of a command. Exit code 2. */
export class UsageError extends Error {
  override name = "UsageError";
}
