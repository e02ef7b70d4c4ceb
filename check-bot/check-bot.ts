import process from "node:process";
import { runCheckBot } from "./run-check-bot.ts";

const stop = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => stop.abort());
}
process.exitCode = await runCheckBot(process.argv.slice(2), {
  output: process.stdout,
  messages: process.stderr,
  stop: stop.signal,
});
