import type { TableClock } from "../data/table-clock.ts";
import type { Messages } from "./messages.ts";
import type { Variables } from "./variables.ts";

/** The environment of a verb: a terminal, a pipe or a test. */
export type CommandContext = {
  /** Receives the result and nothing else. */
  output: NodeJS.WritableStream;
  /** The width of the terminal that the output goes to; absent if it goes to a pipe or a file. */
  columns: number | undefined;
  messages: Messages;
  variables: Variables;
  /** The clock, epoch milliseconds: in a program `tableClock`, in a test one that stands. */
  now: () => number;
  /** The clock that the answers of the table set. */
  tableClock?: TableClock;
  /** Aborts on Ctrl-C. */
  stop: AbortSignal;
  /** Asks a yes-or-no question; absent if nobody can answer. */
  ask: ((question: string) => Promise<boolean>) | undefined;
};
