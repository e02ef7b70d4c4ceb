import type { Variables } from "../../engine/variables.ts";

/** What a verb reads from and writes to: a terminal, a pipe, or a test. */
export type CommandContext = {
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
