import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { execPath } from "node:process";
import { promisify } from "node:util";
import { beforeAll, expect, test } from "vitest";
import * as z from "zod";
import { editsOf, knownBugs } from "../../simulation/known-bugs.ts";

const root = join(import.meta.dirname, "../..");
const outputSchema = z.object({
  findings: z.record(z.string(), z.string().optional()),
  texts: z.array(z.string()),
});
let output: z.infer<typeof outputSchema>;

beforeAll(async () => {
  // A process of its own: its loader puts the faults into the code.
  const program = join(import.meta.dirname, "run-put-back.ts");
  const { stdout } = await promisify(execFile)(execPath, [program], { maxBuffer: 2 ** 26 });
  output = outputSchema.parse(JSON.parse(stdout));
});

test("what each fault replaces stands in the code exactly once", () => {
  const adrift = Object.entries(knownBugs).flatMap(([name, bug]) =>
    editsOf(bug)
      .filter(({ file, from }) => readFileSync(join(root, file), "utf8").split(from).length !== 2)
      .map(({ from }) => `${name}: ${from}`),
  );
  expect(adrift).toEqual([]);
});

test.each(Object.entries(knownBugs))("the seed that found %s finds it again", (name, { rule }) => {
  expect(output.findings[name]).toBe(rule);
});

test("a failing world is shrunk to a short timeline, the same each time to the letter", () => {
  const [first, again] = output.texts;
  expect(first).toContain("Counterexample of seed");
  expect(first?.split("\n").length).toBeLessThan(60);
  expect(again).toBe(first);
});
