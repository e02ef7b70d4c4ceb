import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import * as z from "zod";
import { stopSignal } from "../ops/terminal/stop-signal.ts";
import { withCoverage } from "./coverage.ts";
import { failureText } from "./failure-text.ts";
import { putBackNames } from "./put-back.ts";
import { runWorld, type WorldKind } from "./run-world.ts";
import { searchWorlds, type Tally } from "./search-worlds.ts";
import { deployedOver, loadEarlier, loadSources } from "./sources.ts";
import { sessionsText, tallyText } from "./tally-text.ts";
import { timelineText } from "./timeline-text.ts";

type Options = {
  seed?: number;
  runs?: number;
  sessions?: number;
  several?: true;
  seconds?: number;
  first?: number;
  coverage?: true;
  putBack?: string;
  earlier?: string;
  whole?: true;
  restless?: true;
};

const stop = stopSignal("npm_lifecycle_event" in process.env);

const program = new Command("simulate")
  .description(
    "Lives through worlds of bots, network, functions, table, clocks and operators in virtual time, " +
      "with the real client and the real functions, and looks in each for a broken promise. " +
      "One seed is one world, the same each time.",
  )
  .option("--seconds <n>", "how long to search; 60 if nothing else ends it", readAs(positive()))
  .option("--runs <n>", "how many worlds to search", readAs(whole()))
  .option("--sessions <n>", "how many sessions to search", readAs(whole()))
  .option("--first <seed>", "the seed of the first world; drawn if not given", readAs(whole()))
  .option("--coverage", "also print which branches of the rules and of the client were run")
  .addOption(
    new Option("--seed <seed>", "show the world of this seed, shrunk if it breaks a promise")
      .argParser(readAs(whole()))
      .conflicts(["runs", "seconds", "sessions", "first"]),
  )
  .option("--whole", "with --seed: show everything that happens, and shrink nothing")
  .option("--restless", "programs live for seconds: many more sessions, fewer hours")
  .option("--several", "bots of many symbols in each world, instead of in some")
  .addOption(
    new Option("--put-back <fault>", "with a fault put back into the code").choices(putBackNames),
  )
  .option(
    "--earlier <folder>",
    "deploy over, and back to, the functions of an earlier version in the middle of each world, with " +
      "programs that have its client: a checkout of it, after npm ci",
  )
  .addHelpText(
    "after",
    "\nExit codes: 0 nothing was found, 1 a counterexample, 2 used wrongly, 130 interrupted." +
      "\n\nExamples:\n  npm run simulate -- --seconds 600 --coverage" +
      "\n  npm run simulate -- --sessions 500000 --restless\n  npm run simulate -- --seed 4711" +
      "\n  npm run simulate -- --put-back late-heartbeat" +
      "\n  git worktree add ../deployed v0.1.0 && npm ci --prefix ../deployed" +
      "\n  npm run simulate -- --earlier ../deployed",
  )
  .exitOverride()
  .action(async (options: Options) => {
    const { seed } = options;
    const work = () => (seed === undefined ? search(options) : show(seed, options));
    if (options.coverage) process.stdout.write(await withCoverage(work));
    else await work();
  });

try {
  await program.parseAsync();
} catch (error) {
  if (!(error instanceof CommanderError)) throw error;
  process.exitCode = error.exitCode === 0 ? 0 : 2;
}

async function search(options: Options): Promise<void> {
  const { runs, sessions = Number.POSITIVE_INFINITY } = options;
  const isEndless = runs === undefined && options.sessions === undefined;
  const seconds = options.seconds ?? (isEndless ? 60 : Number.POSITIVE_INFINITY);
  // No clock of the machine decides what happens in a world, only how many are tried.
  const firstSeed = options.first ?? Math.floor(performance.timeOrigin) % 1_000_000_000;
  const kind = await kindOf(options);
  const beganMs = performance.now();
  let toldMs = beganMs;
  process.stderr.write(`Searching from seed ${firstSeed} on\n`);
  const { tally, failing } = await searchWorlds({
    ...kind,
    firstSeed,
    goesOn(so) {
      const nowMs = performance.now();
      if (nowMs - toldMs >= 10_000) {
        toldMs = nowMs;
        process.stderr.write(progressLine(so, nowMs - beganMs));
      }
      const isDone = so.worlds >= (runs ?? Number.POSITIVE_INFINITY) || so.sessions >= sessions;
      return !stop.aborted && !isDone && nowMs - beganMs < seconds * 1_000;
    },
  });
  process.stdout.write(tallyText(tally, performance.now() - beganMs));
  if (failing) {
    process.exitCode = 1;
    const { world, result } = failing;
    process.stdout.write(`\n${await failureText(world, result)}`);
    const again = [`--seed ${world.seed}`, ...sameWorlds(options)].join(" ");
    process.stdout.write(`\nAgain: npm run simulate -- ${again}\n`);
  } else if (stop.aborted) {
    process.exitCode = 130;
    process.stdout.write("Interrupted; no counterexample until then.\n");
  } else {
    const hours = Math.round(tally.simulatedMs / 3_600_000);
    process.stdout.write(
      `No counterexample in ${tally.worlds} worlds from seed ${firstSeed} on: ${sessionsText(tally)}, ` +
        `${hours} simulated hours.\n`,
    );
  }
}

async function show(seed: number, options: Options): Promise<void> {
  const world = { ...(await kindOf(options)), seed };
  const result = await runWorld(world);
  const { violation } = result;
  if (violation) process.exitCode = 1;
  if (violation && !options.whole) {
    process.stdout.write(await failureText(world, result));
    return;
  }
  await runWorld({ ...world, onEntry: (entry) => process.stdout.write(timelineText([entry])) });
  const verdict = violation ? `${violation.rule}: ${violation.what}` : "No promise is broken.";
  process.stdout.write(`${verdict}\n`);
}

async function kindOf({ putBack, earlier, restless, several }: Options): Promise<WorldKind> {
  const sources = await loadSources(putBack);
  const kind = { sources, restless, several };
  if (earlier === undefined) return kind;
  try {
    return { ...kind, sources: deployedOver(await loadEarlier(earlier), sources) };
  } catch (error) {
    process.stderr.write(
      `The version in ${earlier} can't be loaded: ${(error as Error).message}\n` +
        "--earlier takes a checkout of an earlier version of this repository, after npm ci.\n",
    );
    process.exit(2);
  }
}

/** The options without which a seed is another world. */
function sameWorlds({ restless, several, putBack, earlier }: Options): string[] {
  const options = { restless, several, "put-back": putBack, earlier };
  return Object.entries(options).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}${value === true ? "" : ` ${value}`}`],
  );
}

function progressLine(tally: Tally, tookMs: number): string {
  const hours = Math.round(tally.simulatedMs / 3_600_000);
  const { worlds } = tally;
  return `${Math.round(tookMs / 1_000)} s: ${worlds} worlds, ${hours} hours, ${sessionsText(tally)}\n`;
}

function whole() {
  return z.coerce.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
}

function positive() {
  return z.coerce.number().positive().max(1_000_000);
}

function readAs<Value>(schema: z.ZodType<Value>): (text: string) => Value {
  return (text) => {
    const result = schema.safeParse(text);
    if (result.success) return result.data;
    throw new InvalidArgumentError(result.error.issues[0]?.message ?? "");
  };
}
