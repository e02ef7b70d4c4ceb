import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env, stdout } from "node:process";
import { Command, InvalidArgumentError } from "commander";
import { type Mutant, mutants } from "./mutants.ts";

const root = join(import.meta.dirname, "../..");
const atOnce = 3;
const neededShare = 0.95;

/** For the functions, from fast to slow: a mutant goes on to the next only if it survives. */
const stagesOfFunctions = [
  ["test/behaviour/rules.dynalite", "test/lambdas/"],
  ["test/proof/histories.dynalite-one", "test/proof/races.dynalite", "test/proof/late-requests"],
  ["test/proof/bad-bodies", "test/proof/faults", "test/proof/clocks"],
  ["test/behaviour/rules.dynamodb-local"],
];

const { args, processedArgs } = new Command("mutate")
  .description(
    "Breaks the code in one place after another (test/mutation/mutants.ts), runs the tests on each " +
      "and lists what they did not see. A test that times out has seen nothing. Exits with 1 if they " +
      `see less than ${neededShare * 100} %, or if they fail on the code as it is.`,
  )
  .argument(
    "[numbers...]",
    `which mutants, from 0 to ${mutants.length - 1}; all by default`,
    mutantNumber,
  )
  .addHelpText("after", "\nExample:\n  npm run mutate -- 17 42")
  .parse();
const [chosen = []]: number[][] = processedArgs;
const indexes = args.length > 0 ? chosen : [...mutants.keys()];
await expectUnbrokenToPass();
const survivors: string[] = [];
const pending = indexes.values();
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (const index of pending) await judge(index);
  }),
);

const killed = indexes.length - survivors.length;
const share = killed / indexes.length;
stdout.write(`\n${killed} of ${indexes.length} mutants killed: ${(share * 100).toFixed(1)} %\n`);
for (const survivor of survivors) stdout.write(`${survivor}\n`);
if (share < neededShare) process.exitCode = 1;

function mutantNumber(text: string, previous: number[] = []): number[] {
  const number = Number(text);
  if (mutants[number]) return [...previous, number];
  throw new InvalidArgumentError(`There are mutants 0 to ${mutants.length - 1}.`);
}

/** A test that fails anyway would kill every mutant. */
async function expectUnbrokenToPass(): Promise<void> {
  const files = new Set(indexes.flatMap((index) => stagesFor(mutantAt(index)).flat()));
  const { failure, output } = await runTests("none", [...files]);
  if (failure !== undefined) throw new Error(`The tests fail without a mutant: ${output}`);
}

function mutantAt(index: number): Mutant {
  const mutant = mutants[index];
  if (!mutant) throw new Error(`There is no mutant ${index}`);
  const occurrences = readFileSync(join(root, mutant.file), "utf8").split(mutant.from).length - 1;
  if (occurrences !== 1) {
    throw new Error(`What a mutant replaces is there ${occurrences} times: ${inWords(mutant)}`);
  }
  return mutant;
}

function stagesFor({ tests }: Mutant): string[][] {
  return tests ? [tests] : stagesOfFunctions;
}

async function judge(index: number): Promise<void> {
  const mutant = mutantAt(index);
  let timedOut = "";
  for (const files of stagesFor(mutant)) {
    const { failure, isTimeout } = await runTests(`${index}`, files);
    if (failure === undefined) continue;
    if (isTimeout) {
      timedOut = `, after a timeout in ${failure}`;
      continue;
    }
    stdout.write(`${index} killed by ${failure}\n    ${inWords(mutant)}\n`);
    return;
  }
  survivors.push(`survived${timedOut}: ${inWords(mutant)}`);
  stdout.write(`${index} SURVIVED${timedOut}\n    ${inWords(mutant)}\n`);
}

type Run = {
  /** The first test that fails, if one does. */
  failure: string | undefined;
  /** It was too slow, which shows nothing: the machine may have been busy. */
  isTimeout: boolean;
  output: string;
};

async function runTests(mutant: string, files: string[]): Promise<Run> {
  const words = ["run", "--config", "vitest.mutation.config.ts", ...files];
  const child = spawn(join(root, "node_modules/.bin/vitest"), words, {
    cwd: root,
    env: { ...env, MUTANT: mutant, NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const [exitCode] = await once(child, "close");
  if (exitCode === 0) return { failure: undefined, isTimeout: false, output };
  // A mutant that fills the memory takes its worker along, and the name of the test with it.
  const failure = /FAIL\s+(.*)/.exec(output)?.[1] ?? /Worker exited unexpectedly/.exec(output)?.[0];
  if (failure === undefined) throw new Error(`The tests did not run (mutant ${mutant}): ${output}`);
  return { failure, isTimeout: /(Test|Hook) timed out in \d+ms/.test(output), output };
}

function inWords({ file, from, to }: Mutant): string {
  return `${file}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`;
}
