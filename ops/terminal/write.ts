import { CommandError } from "../../command-line/command-error.ts";

/**
 * Writes and waits until it is taken, so that a slow reader slows the verb and not its memory.
 *
 * @throws EPIPE when the reader has gone away, else a `CommandError`, such as for a full disk
 */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(explained(error)) : resolve()));
  });
}

function explained(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  if (code === "EPIPE") return error;
  const why = code === "ENOSPC" ? "the disk is full" : error.message;
  return new CommandError(`The output can't be written (${why}): it is incomplete.`);
}
