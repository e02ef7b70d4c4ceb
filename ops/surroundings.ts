import type { Variables } from "../local/settings.ts";

/** What a verb runs in: a terminal, a pipe, or a test. */
export type Surroundings = {
  /** What was asked for, and nothing else. */
  output: NodeJS.WritableStream;
  /** Complaints, notes and progress. */
  messages: NodeJS.WritableStream & { isTTY?: boolean };
  variables: Variables;
  /** The clock, epoch milliseconds. */
  now: () => number;
  /** Aborts on Ctrl-C. */
  stop: AbortSignal;
  /** Asks a question to be answered with yes or no; absent where there is nobody to answer. */
  ask: ((question: string) => Promise<boolean>) | undefined;
};

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
