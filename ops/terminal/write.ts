import { CommandError } from "./command-error.ts";

/**
 * Writes and waits until the text is consumed, so that a slow reader slows the verb down instead of
 * filling its memory.
 *
 * @throws EPIPE if the reader has closed the pipe; otherwise a `CommandError`, for example for a
 *   full disk
 */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(explained(error)) : resolve()));
  });
}

/** Whether the reader of the output has closed the pipe, which is no failure. */
export function isReaderGone(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "EPIPE";
}

function explained(error: Error): Error {
  const code = "code" in error ? error.code : undefined;
  if (isReaderGone(error)) return error;
  const why = code === "ENOSPC" ? "the disk is full" : error.message;
  return new CommandError(`The output can't be written (${why}): it is incomplete.`);
}
