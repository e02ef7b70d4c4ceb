import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { endsWithRun } from "../support/ends-with-run.ts";

const root = join(import.meta.dirname, "../..");
export const pythonTests = join(import.meta.dirname, "python");

const outcomeSchema = z.strictObject({
  group: z.string(),
  name: z.string(),
  outcome: z.enum(["passed", "failed", "skipped"]),
  detail: z.string(),
});

/** Each test of unittest in these files is a test of a suite, so that what is counted is what ran. */
export async function describePythonTests(suite: string, files: readonly string[]): Promise<void> {
  const hasPython = spawnSync("python3", ["--version"]).status === 0 || env.CI !== undefined;
  // Side by side: they wait for processes and heartbeats more than they compute.
  const runs = hasPython ? await runAll(files, 3) : [];

  describe(suite, () => {
    if (!hasPython) test.skip("needs python3", () => {});
    for (const { file, outcomes, status, stderr } of runs) {
      for (const { group, name, outcome, detail } of outcomes) {
        test.skipIf(outcome === "skipped")(`${group}: ${name}`, () => {
          expect(outcome, detail).toBe("passed");
        });
      }

      test(`${file} ran to the end`, () => {
        expect(outcomes.length, stderr).toBeGreaterThan(0);
        expect(status, stderr).toBe(outcomes.some(({ outcome }) => outcome === "failed") ? 1 : 0);
      });
    }
  });
}

type Run = {
  file: string;
  outcomes: z.infer<typeof outcomeSchema>[];
  status: number | null;
  stderr: string;
};

async function runAll(files: readonly string[], atOnce: number): Promise<Run[]> {
  const ended: Run[] = [];
  const waiting = [...files];
  const work = async () => {
    for (let file = waiting.shift(); file; file = waiting.shift()) ended.push(await run(file));
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return ended;
}

function run(file: string): Promise<Run> {
  const words = ["-B", join(pythonTests, "run.py"), file];
  // What a process makes there that a test ends by a signal goes with the run.
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-python-"));
  const variables = { PYTHONPATH: join(root, "clients/python"), TMPDIR: folder };
  const options = { cwd: root, env: { ...env, ...variables } };
  return new Promise((resolve) => {
    const child = execFile("python3", words, options, (_, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      const outcomes = lines.map((line) => outcomeSchema.parse(JSON.parse(line)));
      rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
      resolve({ file, outcomes, status: child.exitCode, stderr });
    });
    endsWithRun(child);
  });
}
