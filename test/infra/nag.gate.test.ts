import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import type { StackSettings } from "../../infra/stack-settings.ts";

const root = join(import.meta.dirname, "../..");

const versionId = "11111111-2222-3333-4444-555555555555";
const everySetting: Record<keyof StackSettings, unknown> = {
  sessionTimeoutSeconds: 90,
  multiSymbolSessions: false,
  legacyBots: true,
  lapseEvents: true,
  alarmEmail: "ops@example.com",
  noTrafficAlarmMinutes: 60,
  logRetentionDays: 30,
  claimsPerSecond: 200,
  claimsBurst: 2_000,
  heartbeatsPerSecond: 600,
  heartbeatsBurst: 2_000,
  releasesPerSecond: 200,
  releasesBurst: 2_000,
  domainName: "licenses.example.com",
  certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/6f1c-11",
  hostedZoneId: "Z0123456789ABC",
  permissionsBoundary: "LicenseSessionsBoundary",
  signingSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:signing-AbCdEf",
  signingSecretVersionId: versionId,
  edgeOrigin: "d-abc123.execute-api.eu-central-1.amazonaws.com",
  edgeTarget: "d111111abcdef8.cloudfront.net",
  edgeOnly: true,
  edgeCertificateArn:
    "arn:aws:acm:us-east-1:111122223333:certificate/6f1c0000-0000-0000-0000-000000000012",
  edgeRequestsPerFiveMinutes: 5_000,
  originSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:origin-AbCdEf",
  originSecretVersionId: versionId,
};

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
