import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { env } from "node:process";
import { describe, expect, test } from "vitest";
import * as z from "zod";

const root = join(import.meta.dirname, "../..");

const outcomeSchema = z.strictObject({
  group: z.string(),
  name: z.string(),
  outcome: z.enum(["passed", "failed", "skipped"]),
  detail: z.string(),
});

const version = spawnSync("python3", ["--version"]);

// Each test of unittest is a test of this suite, so that what is counted is what ran.
describe("the Python client", () => {
  if (version.status !== 0 && !env.CI) {
    test.skip("needs python3", () => {});
    return;
  }
  const { stdout, stderr, status } = spawnSync("python3", ["-B", "test/clients/python/run.py"], {
    cwd: root,
    env: { ...env, PYTHONPATH: join(root, "clients/python") },
    encoding: "utf8",
  });
  const outcomes = (stdout ?? "")
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => outcomeSchema.parse(JSON.parse(line)));

  for (const { group, name, outcome, detail } of outcomes) {
    test.skipIf(outcome === "skipped")(`${group}: ${name}`, () => {
      expect(outcome, detail).toBe("passed");
    });
  }

  test("its suite ran to the end", () => {
    expect(outcomes.length, stderr).toBeGreaterThan(0);
    expect(status, stderr).toBe(outcomes.some(({ outcome }) => outcome === "failed") ? 1 : 0);
  });
});
