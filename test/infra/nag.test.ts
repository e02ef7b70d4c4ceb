import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "../..");

test("the app has no finding of cdk-nag's AwsSolutions that is not acknowledged with a reason", () => {
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-nag-"));
  try {
    const { status, stderr } = spawnSync(process.execPath, ["infra/app.ts"], {
      cwd: root,
      env: { PATH: process.env.PATH, TMPDIR: process.env.TMPDIR, CDK_OUTDIR: folder },
      encoding: "utf8",
    });
    expect(stderr).not.toContain("AwsSolutions-");
    expect(status).toBe(0);
    const report = readFileSync(join(folder, "validation-report.json"), "utf8");
    expect(JSON.parse(report).pluginReports).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
