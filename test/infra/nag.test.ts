import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";

const root = join(import.meta.dirname, "../..");

const everySetting = {
  alarmEmail: "ops@example.com",
  noTrafficAlarmMinutes: 60,
  legacyBots: true,
  domainName: "licenses.example.com",
  certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/6f1c-11",
  hostedZoneId: "Z0123456789ABC",
  signingSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:signing-AbCdEf",
  edgeCertificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/6f1c-12",
  edgeOrigin: "d-abc123.execute-api.eu-central-1.amazonaws.com",
  edgeTarget: "d111111abcdef8.cloudfront.net",
  originSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:origin-AbCdEf",
};

test.for<[string, string[], object]>([
  ["with the defaults", ["LicenseSessions"], {}],
  ["with every setting", ["LicenseSessions", "LicenseSessionsEdge"], everySetting],
])("the app %s has no finding of cdk-nag that is not acknowledged", ([, stacks, context]) => {
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-nag-"));
  try {
    const { status, stderr } = spawnSync(process.execPath, ["infra/app.ts"], {
      cwd: root,
      env: {
        PATH: process.env.PATH,
        CDK_OUTDIR: folder,
        CDK_CONTEXT_JSON: JSON.stringify(context),
      },
      encoding: "utf8",
    });
    expect(stderr).not.toContain("AwsSolutions-");
    expect(status).toBe(0);
    const written = readdirSync(folder).filter((name) => name.endsWith(".template.json"));
    expect(written).toEqual(stacks.map((stack) => `${stack}.template.json`));
    const report = readFileSync(join(folder, "validation-report.json"), "utf8");
    expect(reportSchema.parse(JSON.parse(report)).pluginReports).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const reportSchema = z.object({ pluginReports: z.array(z.unknown()) });
