import { execFile, spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { env } from "node:process";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { endsWithRun } from "../support/ends-with-run.ts";

const root = join(import.meta.dirname, "../..");
const built = mkdtempSync(join(tmpdir(), "license-session-csharp-"));
afterAll(() => rmSync(built, { recursive: true, force: true }));

const outcomeSchema = z.strictObject({
  group: z.string(),
  name: z.string(),
  outcome: z.enum(["passed", "failed"]),
  detail: z.string(),
});

const hasMono = spawnSync("mcs", ["--version"]).status === 0 || env.CI !== undefined;
const problems = hasMono ? compile() : "";
const outcomes = hasMono && problems === "" ? await runTests() : [];

describe("the C# client", () => {
  if (!hasMono) test.skip("needs mcs and mono", () => {});
  else {
    test("compiles without a warning in the C# of 2015, with documentation of all that is public", () => {
      expect(problems).toBe("");
      expect(outcomes.length).toBeGreaterThan(0);
    });
  }
  for (const { group, name, outcome, detail } of outcomes) {
    test(`${group}: ${name}`, () => {
      expect(outcome, detail).toBe("passed");
    });
  }
});

function compile(): string {
  const library = join(built, "LicenseSession.dll");
  const strict = ["-langversion:6", "-warn:4", "-warnaserror", "-r:System.Numerics.dll"];
  const documented = ["-target:library", `-doc:${join(built, "LicenseSession.xml")}`];
  return (
    mcs([...strict, ...documented, `-out:${library}`, ...sources("clients/csharp")]) ||
    mcs([
      ...[...strict, "-debug", `-r:${library}`, `-out:${join(built, "LicenseSession.Tests.exe")}`],
      ...sources("test/clients/csharp"),
    ])
  );
}

/** Returns what the compiler complains of. */
function mcs(words: string[]): string {
  const { error, stdout, stderr } = spawnSync("mcs", words, { encoding: "utf8" });
  return error?.message ?? (stdout + stderr).trim();
}

function sources(folder: string): string[] {
  const names = readdirSync(join(root, folder)).filter((name) => name.endsWith(".cs"));
  return names.map((name) => join(root, folder, name));
}

function runTests(): Promise<z.infer<typeof outcomeSchema>[]> {
  const words = ["--debug", join(built, "LicenseSession.Tests.exe"), root];
  return new Promise((resolve) => {
    const child = execFile("mono", words, { maxBuffer: 1e8 }, (_, stdout, stderr) => {
      const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
      const read = lines.map((line) => outcomeSchema.parse(JSON.parse(line)));
      const hasEnded = child.exitCode === (read.some((one) => one.outcome === "failed") ? 1 : 0);
      const end = { group: "Program", name: "ran to the end", detail: stderr } as const;
      resolve([...read, { ...end, outcome: hasEnded ? "passed" : "failed" }]);
    });
    endsWithRun(child);
  });
}
