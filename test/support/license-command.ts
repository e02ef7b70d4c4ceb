import { Writable } from "node:stream";
import { runLicense } from "../../ops/run-license.ts";
import type { CommandContext } from "../../ops/terminal/command-context.ts";
import { openMessages } from "../../ops/terminal/messages.ts";
import type { Variables } from "../../ops/terminal/variables.ts";
import type { Engine } from "./engines.ts";

export type CommandResult = {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The first line of what went to stderr, where it says which table is going to be changed. */
  about?: string;
};

type OperatorOptions = {
  variables?: Variables;
  /** The answer to every question. If absent, nobody can answer. */
  answer?: boolean | (() => Promise<boolean>);
  /** Receives the text that the verb prints, and may throw to simulate a failed write. */
  onOutput?: (text: string) => void;
  stop?: AbortSignal;
  now?: () => number;
  /** The width of the terminal; a pipe without it. */
  columns?: number;
};

/** An operator who runs `npm run license --` with some arguments, in this process. */
export function operator({ endpoint }: Pick<Engine, "endpoint">, fixed: OperatorOptions = {}) {
  return async (
    words: string | readonly string[],
    options: OperatorOptions = {},
  ): Promise<CommandResult> => {
    const { variables, answer, onOutput, stop, now, columns } = { ...fixed, ...options };
    const output = textSink(onOutput);
    const messages = textSink();
    const context: CommandContext = {
      output: output.stream,
      columns,
      messages: openMessages(messages.stream),
      variables: { DYNAMODB_ENDPOINT: endpoint, DATA_DIR: "/nonexistent", ...variables },
      now: now ?? Date.now,
      stop: stop ?? new AbortController().signal,
      ask:
        answer === undefined
          ? undefined
          : async (question) => {
              messages.stream.write(`${question}\n`);
              return typeof answer === "boolean" ? answer : answer();
            },
    };
    const list = typeof words === "string" ? words.split(" ") : words;
    const exitCode = await runLicense(list, context);
    const [, about, stderr = ""] = /^(Working on .*\n)?([\s\S]*)$/.exec(messages.text()) ?? [];
    return { exitCode, stdout: output.text(), stderr, ...(about !== undefined && { about }) };
  };
}

function textSink(onText?: (text: string) => void) {
  let text = "";
  const stream = new Writable({
    decodeStrings: false,
    write(chunk, _encoding, done) {
      try {
        onText?.(String(chunk));
        text += chunk;
        done();
      } catch (error) {
        done(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
  stream.on("error", () => {});
  return { stream, text: () => text };
}
