/** How far a command had come when Ctrl-C stopped it. Exit code 130. */
export class Interrupted extends Error {
  override name = "Interrupted";
}
