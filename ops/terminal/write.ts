/**
 * Writes and waits until it is taken, so that a slow reader slows the verb and not its memory.
 *
 * @throws EPIPE when the reader has gone away
 */
export async function write(stream: NodeJS.WritableStream, text: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()));
  });
}
