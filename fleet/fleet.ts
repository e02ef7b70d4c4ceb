import { Command, CommanderError, InvalidArgumentError } from "commander";
import * as z from "zod";
import { withTable } from "../ops/data/with-table.ts";
import { CommandError } from "../ops/terminal/command-error.ts";
import { stopSignal } from "../ops/terminal/stop-signal.ts";
import { withLicenses } from "./licenses.ts";
import { runFleet } from "./run-fleet.ts";
import { expectService } from "./service-client.ts";
import { judge, verdictText } from "./verdict.ts";

const stop = stopSignal("npm_lifecycle_event" in process.env);

const program = new Command("fleet")
  .description(
    "Runs bots with real timing against a running service, and judges whether two devices ever " +
      "had a right to believe they hold one session. Makes its own licenses and removes them.",
  )
  .requiredOption(
    "--url <url>",
    "the service, local or deployed",
    readAs(z.url({ protocol: /^https?$/ })),
  )
  .option("--bots <n>", "how many licenses, with a bot each", readAs(count(1)), 100)
  .option("--rivals <m>", "how many of them are used by a second device too", readAs(count(0)), 20)
  .option("--minutes <t>", "how long", readAs(z.coerce.number().positive().max(10_000)), 5)
  .option("--table <name>", "the table on AWS; the one of npm start if not given")
  .addHelpText(
    "after",
    "\nExample:\n  npm run fleet -- --url http://127.0.0.1:3000 --bots 500 --rivals 100 --minutes 10",
  )
  .exitOverride()
  .action(async (options: Options) => {
    const { url, bots, rivals, minutes, table: tableName } = options;
    async function runAndJudge(licenseKeys: string[]) {
      const plan = { url, licenseKeys, rivals, minutes };
      const findings = await runFleet(plan, process.stdout, stop);
      process.stdout.write(`\n${verdictText(findings)}\n`);
      if (judge(findings).code !== "good") process.exitCode = 1;
    }
    await expectService(url);
    const progress = (line: string) => process.stderr.write(`${line}\n`);
    await withTable({ tableName }, process.env, (table) =>
      withLicenses(table, bots, runAndJudge, progress, stop),
    );
  });

type Options = { url: string; bots: number; rivals: number; minutes: number; table?: string };

/** Exit codes: 0 good verdict, 1 bad verdict or none, 2 wrong usage. */
try {
  await program.parseAsync();
} catch (error) {
  if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
  else if (error instanceof CommandError) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  } else if (error === stop.reason) {
    process.stderr.write("Stopped before any bot ran\n");
    process.exitCode = 1;
  } else throw error;
}

function count(min: number) {
  return z.coerce.number().int().min(min).max(100_000);
}

function readAs<Value>(schema: z.ZodType<Value>): (text: string) => Value {
  return (text) => {
    const result = schema.safeParse(text);
    if (result.success) return result.data;
    throw new InvalidArgumentError(result.error.issues[0]?.message ?? "");
  };
}
