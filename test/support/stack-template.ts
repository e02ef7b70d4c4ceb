import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { asksForEdge, EdgeStack } from "../../infra/edge-stack.ts";
import { LicenseSessionsStack } from "../../infra/license-sessions-stack.ts";
import { readStackSettings, type StackSettings } from "../../infra/stack-settings.ts";

const versionId = "11111111-2222-3333-4444-555555555555";

/** Each setting with a value that is not its default. */
export const everySetting = {
  sessionTimeoutSeconds: 90,
  multiSymbolSessions: false,
  legacyBots: true,
  lapseEvents: true,
  alarmEmail: "ops@example.com",
  noTrafficAlarmMinutes: 15,
  logRetentionDays: 7,
  claimsPerSecond: 200,
  claimsBurst: 2_000,
  heartbeatsPerSecond: 600,
  heartbeatsBurst: 3_000,
  releasesPerSecond: 300,
  releasesBurst: 4_000,
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
} satisfies Record<keyof StackSettings, unknown>;

/** What is made of an app with the given context, whose folder is gone afterwards. */
export function inApp<Result>(
  context: Record<string, unknown>,
  make: (app: App) => Result,
): Result {
  const outdir = mkdtempSync(join(tmpdir(), "license-sessions-cdk-"));
  try {
    return make(new App({ context: { "aws:cdk:bundling-stacks": [], ...context }, outdir }));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

/** The stack as CDK writes it for the given context, without the functions' bundles. */
export function stackTemplate(context: Record<string, unknown> = {}): Template {
  return inApp(context, (app) => {
    const settings = settingsOf(app);
    return Template.fromStack(new LicenseSessionsStack(app, "LicenseSessions", settings));
  });
}

/** The stack of CloudFront as CDK writes it. */
export function edgeStackTemplate(): Template {
  return inApp(everySetting, (app) => {
    const settings = settingsOf(app);
    if (!asksForEdge(settings)) throw new Error("There is no stack of CloudFront");
    return Template.fromStack(new EdgeStack(app, "LicenseSessionsEdge", settings));
  });
}

function settingsOf(app: App): StackSettings {
  const read = readStackSettings(app.node);
  if (!read.valid) throw new Error(read.complaint);
  return read.settings;
}
