import { printable } from "./text-table.ts";

/** Errors, notes and progress: everything but the output. */
export type Messages = {
  isTTY: boolean;
  /** Writes whole lines. Replaces control characters, so that no text can control the terminal. */
  write(text: string): void;
  /** A line that the next one replaces; an empty one removes it. */
  status(text: string): void;
};

export function openMessages(stream: NodeJS.WritableStream & { isTTY?: boolean }): Messages {
  return {
    isTTY: stream.isTTY === true,
    write: (text) => stream.write(text.split("\n").map(printable).join("\n")),
    status: (text) => stream.write(`\r\u001b[K${printable(text)}`),
  };
}
