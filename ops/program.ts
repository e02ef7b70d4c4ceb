import process from "node:process";
import { createInterface } from "node:readline";
import { stopSignal } from "../command-line/stop-signal.ts";
import { runLicense } from "./run-license.ts";
import { openMessages } from "./terminal/messages.ts";

// A reader that has gone away (`| head`) makes the next write fail, which handles it.
process.stdout.on("error", () => {});

const stop = stopSignal("npm_lifecycle_event" in process.env);
process.exitCode = await runLicense(process.argv.slice(2), {
  output: process.stdout,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  messages: openMessages(process.stderr),
  variables: process.env,
  now: Date.now,
  stop,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
});

/** No answer, at the end of the input or on Ctrl-C, is a no. */
function ask(question: string): Promise<boolean> {
  // Not as a terminal: Ctrl-C stays the signal that it is everywhere else.
  const lines = createInterface({ input: process.stdin, output: process.stderr, terminal: false });
  return new Promise<boolean>((resolve) => {
    lines.once("close", () => resolve(false));
    stop.addEventListener(
      "abort",
      () => {
        process.stderr.write("\n");
        resolve(false);
      },
      { once: true },
    );
    lines.question(question, (answer) => resolve(/^y(es)?$/i.test(answer.trim())));
  }).finally(() => {
    lines.close();
    process.stdin.unref();
  });
}
