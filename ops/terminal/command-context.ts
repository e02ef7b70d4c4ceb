import type { Variables } from "../../command-line/variables.ts";
import type { Messages } from "./messages.ts";

/** What a verb reads from and writes to: a terminal, a pipe, or a test. */
export type CommandContext = {
  /** What was asked for, and nothing else. */
  output: NodeJS.WritableStream;
  /** The width of the terminal that the output goes to; absent if it goes to a pipe or a file. */
  columns: number | undefined;
  messages: Messages;
  variables: Variables;
  /** The clock, epoch milliseconds. */
  now: () => number;
  /** Aborts on Ctrl-C. */
  stop: AbortSignal;
  /** Asks a question to be answered with yes or no; absent where there is nobody to answer. */
  ask: ((question: string) => Promise<boolean>) | undefined;
};
