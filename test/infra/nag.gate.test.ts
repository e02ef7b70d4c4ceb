import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { everySetting } from "../support/stack-template.ts";

const root = join(import.meta.dirname, "../..");

/** An independent linter of templates, if it is installed: `pip install cfn-lint`. */
const cfnLint = spawnSync("cfn-lint", ["--version"]).status === 0;

// Those of the defaults are seen by `npm run synth`, a step of the gate.
test("the app with every setting has no finding of cdk-nag that is not acknowledged, and none of cfn-lint", () => {
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-nag-"));
  try {
    const { status, stderr } = spawnSync(process.execPath, ["infra/app.ts"], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        CDK_OUTDIR: folder,
        // Bundles would take seconds, and say nothing of the template.
        CDK_CONTEXT_JSON: JSON.stringify({ "aws:cdk:bundling-stacks": [], ...everySetting }),
      },
      encoding: "utf8",
    });
    expect(stderr).not.toContain("AwsSolutions-");
    expect(status).toBe(0);
    const written = readdirSync(folder).filter((name) => name.endsWith(".template.json"));
    expect(written).toEqual(["LicenseSessions.template.json", "LicenseSessionsEdge.template.json"]);
    const report = readFileSync(join(folder, "validation-report.json"), "utf8");
    expect(reportSchema.parse(JSON.parse(report)).pluginReports).toEqual([]);
    if (cfnLint) {
      // W3005: CDK writes each function's dependency on its role twice.
      const files = written.map((name) => join(folder, name));
      const { stdout } = spawnSync("cfn-lint", ["--ignore-checks", "W3005", "--", ...files], {
        encoding: "utf8",
      });
      expect(stdout).toBe("");
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("npm run deploy names one stack: cdk refuses to choose between two", () => {
  const { scripts } = z
    .object({ scripts: z.object({ deploy: z.string() }) })
    .parse(JSON.parse(readFileSync(join(root, "package.json"), "utf8")));
  expect(scripts.deploy).toBe("cdk deploy LicenseSessions");
});

const reportSchema = z.object({ pluginReports: z.array(z.unknown()) });
