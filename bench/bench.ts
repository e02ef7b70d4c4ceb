import { arch, cpus, platform, totalmem } from "node:os";
import { Command, InvalidArgumentError, Option } from "commander";
import type { Context } from "./context.ts";
import { calls } from "./parts/calls.ts";
import { cold } from "./parts/cold.ts";
import { growth } from "./parts/growth.ts";
import { throughput } from "./parts/throughput.ts";
import { warm } from "./parts/warm.ts";
import { asText, type Report } from "./report.ts";

const parts = { cold, warm, calls, growth, throughput };
type PartName = keyof typeof parts;
const partNames = Object.keys(parts) as PartName[];

type Options = {
  only: PartName[];
  runs: number;
  seconds: number;
  fillMinutes: number;
  json?: true;
};

const program = new Command("bench")
  .description("Measures what a session costs. Ratios count: a busy machine shifts all times.")
  .addOption(
    new Option("--only <parts>", `some of ${partNames.join(",")}`)
      .argParser(readParts)
      .default(partNames, "all"),
  )
  .option("--runs <n>", "measurements of each kind", readCount, 30)
  .option("--seconds <n>", "of load for each number of connections", readCount, 5)
  .option("--fill-minutes <n>", "for filling the table, at each size", readCount, 5)
  .option("--json", "print one JSON object")
  .addHelpText("after", "\nExample:\n  npm run bench -- --only cold,warm --runs 50")
  .showHelpAfterError("(--help shows how it is used)");
program.parse();
const options = program.opts<Options>();

// The functions' log lines must not appear in the result.
console.info = () => {};

const stop = new AbortController();
process.once("SIGINT", () => stop.abort());
process.once("SIGTERM", () => stop.abort());
const context: Context = {
  runs: options.runs,
  seconds: options.seconds,
  fillMinutes: options.fillMinutes,
  progress: (line) => process.stderr.write(`${line}\n`),
  signal: stop.signal,
};
const machine = {
  cpu: cpus()[0]?.model ?? "unknown",
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 2 ** 30),
  system: `${platform()} ${arch()}`,
  node: process.version,
};

const reports: Partial<Record<PartName, Report>> = {};
try {
  if (!options.json) process.stdout.write(`${Object.values(machine).join(", ")}\n\n`);
  for (const name of options.only) {
    const report = await parts[name](context);
    reports[name] = report;
    if (!options.json) process.stdout.write(`${asText(report)}\n`);
  }
  if (options.json)
    process.stdout.write(`${JSON.stringify({ machine, parts: reports }, null, 2)}\n`);
} catch (error) {
  if (!stop.signal.aborted) throw error;
  process.exitCode = 130;
}

function readParts(text: string): PartName[] {
  return text.split(",").map((name) => {
    const part = partNames.find((known) => known === name);
    if (part === undefined) throw new InvalidArgumentError(`It is one or more of ${partNames}.`);
    return part;
  });
}

function readCount(text: string): number {
  if (!/^[1-9]\d{0,3}$/.test(text))
    throw new InvalidArgumentError("It is a number from 1 to 9999.");
  return Number(text);
}
