import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { argv, env, stdout } from "node:process";
import { type Mutant, mutants } from "./mutants.ts";

const root = join(import.meta.dirname, "../..");
const atOnce = 3;
const neededShare = 0.95;

/** From fast to slow: a mutant goes on to the next only if it survives. */
const stages = [
  [
    "test/behaviour/dynalite",
    "test/lambdas/sessions",
    "test/lambdas/failing-database",
    "test/lambdas/environment",
    "test/lambdas/json-source",
  ],
  ["test/lambdas/bad-input", "test/proof/histories.dynalite-one", "test/proof/races.dynalite"],
  ["test/proof/late-requests", "test/lambdas/hanging-database", "test/proof/bad-bodies"],
  ["test/proof/faults", "test/proof/clocks", "test/behaviour/dynamodb-local"],
];

const chosen = argv.slice(2).map(Number);
const indexes = chosen.length > 0 ? chosen : [...mutants.keys()];
const survivors: Mutant[] = [];
const pending = indexes.values();
await Promise.all(
  Array.from({ length: atOnce }, async () => {
    for (const index of pending) await judge(index);
  }),
);

const killed = indexes.length - survivors.length;
const share = killed / indexes.length;
stdout.write(`\n${killed} of ${indexes.length} mutants killed: ${(share * 100).toFixed(1)} %\n`);
for (const survivor of survivors) stdout.write(`survived: ${inWords(survivor)}\n`);
if (share < neededShare) process.exitCode = 1;

async function judge(index: number): Promise<void> {
  const mutant = mutants[index];
  if (!mutant) throw new Error(`There is no mutant ${index}`);
  const occurrences = readFileSync(join(root, mutant.file), "utf8").split(mutant.from).length - 1;
  if (occurrences !== 1) {
    throw new Error(`What a mutant replaces is there ${occurrences} times: ${inWords(mutant)}`);
  }
  for (const files of stages) {
    const killer = await firstFailure(index, files);
    if (killer !== undefined) {
      stdout.write(`${index} killed by ${killer}\n    ${inWords(mutant)}\n`);
      return;
    }
  }
  survivors.push(mutant);
  stdout.write(`${index} SURVIVED\n    ${inWords(mutant)}\n`);
}

/** The first test that fails with the mutant, or `undefined` if none does. */
async function firstFailure(index: number, files: string[]): Promise<string | undefined> {
  const words = ["run", "--config", "vitest.mutation.config.ts", ...files];
  const child = spawn(join(root, "node_modules/.bin/vitest"), words, {
    cwd: root,
    env: { ...env, MUTANT: String(index), NO_COLOR: "1" },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const [exitCode] = await once(child, "close");
  if (exitCode === 0) return undefined;
  // A mutant that fills the memory takes its worker along, and the name of the test with it.
  const failure = /FAIL\s+(.*)/.exec(output)?.[1] ?? /Worker exited unexpectedly/.exec(output)?.[0];
  if (failure === undefined)
    throw new Error(`The tests did not run with mutant ${index}: ${output}`);
  return failure;
}

function inWords({ file, from, to }: Mutant): string {
  return `${file}: ${JSON.stringify(from)} -> ${JSON.stringify(to)}`;
}
