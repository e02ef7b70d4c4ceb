import process from "node:process";
import { createInterface } from "node:readline";
import { openTableClock } from "./data/table-clock.ts";
import { runLicense } from "./run-license.ts";
import { openMessages } from "./terminal/messages.ts";
import { stopSignal } from "./terminal/stop-signal.ts";

// If the reader has closed the pipe (`| head`), the next write fails and handles it.
process.stdout.on("error", () => {});

const tableClock = openTableClock();
const stop = stopSignal("npm_lifecycle_event" in process.env);
process.exitCode = await runLicense(process.argv.slice(2), {
  output: process.stdout,
  columns: process.stdout.isTTY ? process.stdout.columns : undefined,
  messages: openMessages(process.stderr),
  variables: process.env,
  now: tableClock.nowMs,
  tableClock,
  stop,
  ask: process.stdin.isTTY && process.stderr.isTTY ? ask : undefined,
});

/** End of input and Ctrl-C count as no. */
function ask(question: string): Promise<boolean> {
  // Terminal mode would intercept Ctrl-C, which must remain a signal.
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
