import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { routes } from "../../infra/routes.ts";
import { readStackSettings, settingsSchema } from "../../infra/stack-settings.ts";
import { everySetting, inApp, stackTemplate } from "../support/stack-template.ts";

const functions = Object.values(routes);
const {
  signingSecretArn: secretArn,
  signingSecretVersionId: versionId,
  certificateArn,
  edgeCertificateArn,
} = everySetting;

describe("the settings", () => {
  test("arrive as the strings that cdk -c passes", () => {
    const changed = stackTemplate({
      sessionTimeoutSeconds: "90",
      multiSymbolSessions: "false",
      legacyBots: "true",
      logRetentionDays: "7",
      heartbeatsPerSecond: "50",
      heartbeatsBurst: "100",
    });
    changed.allResourcesProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: {
          SESSION_TIMEOUT_SECONDS: "90",
          MULTI_SYMBOL_SESSIONS: "false",
          LEGACY_BOTS: "true",
        },
      },
    });
    changed.resourcePropertiesCountIs(
      "AWS::Logs::LogGroup",
      { RetentionInDays: 7 },
      functions.length + 1,
    );
    changed.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      RouteSettings: {
        "POST /api/heartbeat": { ThrottlingRateLimit: 50, ThrottlingBurstLimit: 100 },
      },
    });
  });

  test.for([
    ["sessionTimeoutSeconds", "a minute"],
    ["sessionTimeoutSeconds", "0"],
    ["sessionTimeoutSeconds", "0x3C"],
    ["sessionTimeoutSeconds", "6e1"],
    ["sessionTimeoutSeconds", " 60"],
    ["sessionTimeoutSeconds", "060"],
    ["sessionTimeoutSeconds", "-60"],
    ["sessionTimeoutSeconds", " "],
    ["sessionTimeoutSeconds", true],
    ["sessionTimeoutSeconds", null],
    ["multiSymbolSessions", "maybe"],
    ["legacyBots", "yes"],
    ["legacyBots", "True"],
    ["legacyBots", "1"],
    ["legacyBots", 1],
    ["alarmEmail", "nobody"],
    ["noTrafficAlarmMinutes", "7"],
    ["noTrafficAlarmMinutes", "1445"],
    ["logRetentionDays", "8"],
    ["logRetentionDays", [7]],
    ["claimsBurst", "-1"],
    ["heartbeatsPerSecond", true],
    ["signingSecretArn", "signing"],
    ["signingSecretArn", `${secretArn}}}`],
    ["signingSecretArn", true],
    ["edgeCertificateArn", certificateArn],
    ["edgeOrigin", "licenses.example.com"],
    ["edgeOrigin", "d111111abcdef8.cloudfront.net"],
    ["edgeTarget", "licenses.example.com"],
    ["edgeTarget", "d-abc123.execute-api.eu-central-1.amazonaws.com"],
    ["edgeTarget", "cloudfront.net"],
    ["edgeOnly", "yes"],
    ["permissionsBoundary", "arn:aws:iam::111122223333:policy/LicenseSessionsBoundary"],
    ["edgeRequestsPerFiveMinutes", "9"],
  ] as const)("context %s=%s stops the deploy with a sentence that names it", ([name, value]) => {
    const complaint = complaintAbout({ [name]: value });
    expect(complaint.startsWith(`context ${name}: `)).toBe(true);
    expect(complaint).toContain(`, not ${JSON.stringify(value)}`);
  });

  test.for([
    "legacyBot",
    "legacybots",
    "signingSecret",
    "throttleRatePerSecond",
    "alarm_email",
    "log-retention-days",
    "alarmEmail2",
    "alarm.email",
    "alarm Email",
    "toString",
  ])("a misspelt name, %s, stops the deploy, too", (name) => {
    expect(() => stackTemplate({ [name]: true })).toThrow(
      `context ${name}: there is no such setting; docs/settings.md lists them.`,
    );
  });

  test.for([
    ["domainName", "licenses.example.com", "certificateArn"],
    ["certificateArn", certificateArn, "domainName"],
    ["hostedZoneId", "Z0123456789ABC", "domainName"],
    ["signingSecretVersionId", versionId, "signingSecretArn"],
    ["edgeCertificateArn", edgeCertificateArn, "domainName"],
    ["edgeCertificateArn", edgeCertificateArn, "edgeOrigin"],
    ["edgeCertificateArn", edgeCertificateArn, "originSecretArn"],
    ["edgeOrigin", "d-1.execute-api.eu-central-1.amazonaws.com", "edgeCertificateArn"],
    ["edgeTarget", "d111111abcdef8.cloudfront.net", "edgeCertificateArn"],
    ["edgeOnly", "true", "edgeTarget"],
    ["originSecretArn", secretArn, "edgeCertificateArn"],
    ["originSecretVersionId", versionId, "originSecretArn"],
  ] as const)("%s=%s alone is refused; it needs %s", ([name, value, needed]) => {
    expect(() => stackTemplate({ [name]: value })).toThrow(
      `context ${needed}: must be set with ${name}`,
    );
  });

  test.for(Object.keys(settingsSchema.shape))(
    "%s as an empty text is the same as leaving it out",
    (name) => {
      const read = (context: Record<string, unknown>) =>
        inApp(context, (app) => readStackSettings(app.node));
      expect(read({ [name]: "" })).toEqual(read({}));
      expect(read({ [name]: "" }).valid).toBe(true);
    },
  );

  test("those of CDK itself are no settings: every name in cdk.json, and what its CLI stores", () => {
    const cdkJson = readFileSync(join(import.meta.dirname, "../../cdk.json"), "utf8");
    const { context } = z
      .object({ context: z.record(z.string(), z.unknown()) })
      .parse(JSON.parse(cdkJson));
    const stored = {
      "acknowledged-issue-numbers": [34892],
      "availability-zones:account=111122223333:region=eu-central-1": ["eu-central-1a"],
      "aws:cdk:enable-path-metadata": true,
    };
    expect(complaintAbout({ ...context, ...stored })).toBe("none");
  });

  test("a timeout below 30 s is refused on AWS: too much of it would go to clocks and retries", () => {
    expect(complaintAbout({ sessionTimeoutSeconds: 29 })).toBe(
      "context sessionTimeoutSeconds: expected 30 or more, not 29.",
    );
    expect(complaintAbout({ sessionTimeoutSeconds: 30 })).toBe("none");
  });

  test("npm start says that its own engine is meant, and then may ask for 1 s", () => {
    const ownEngine = { "license-sessions:own-engine": "true" };
    expect(complaintAbout({ ...ownEngine, sessionTimeoutSeconds: "1" })).toBe("none");
    expect(complaintAbout({ ...ownEngine, sessionTimeoutSeconds: "0" })).not.toBe("none");
    const cdkJson = readFileSync(join(import.meta.dirname, "../../cdk.json"), "utf8");
    expect(cdkJson).not.toContain("own-engine");
  });

  test("each stands in the table of docs/settings.md, with its default, and no other does", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/settings.md"), "utf8");
    const ofTheStack = /^## Of the stack$.*?(?=^## )/ms.exec(page)?.[0] ?? "";
    const rows = [...ofTheStack.matchAll(/^\| `(\w+)`\s+\| (\S+)/gm)].map(([, name, value]) => [
      name,
      value,
    ]);
    const defaults: Record<string, unknown> = settingsSchema.parse({});
    const expected = Object.keys(settingsSchema.shape).map((name) => [
      name,
      String(defaults[name] ?? "-"),
    ]);
    expect(Object.fromEntries(rows)).toEqual(Object.fromEntries(expected));
    expect(rows).toHaveLength(expected.length);
  });
});

function complaintAbout(context: Record<string, unknown>): string {
  const read = inApp(context, (app) => readStackSettings(app.node));
  return read.valid ? "none" : read.complaint;
}

describe("the signing keys", () => {
  const keysOf = (context: Record<string, unknown>) =>
    Object.values(stackTemplate(context).findResources("AWS::Lambda::Function")).map(
      ({ Properties }) => Properties.Environment.Variables.SIGNING_KEYS,
    );

  test("are the whole text of the secret, which CloudFormation brings to every function", () => {
    expect(keysOf({})).toEqual(functions.map(() => undefined));
    const reference = `{{resolve:secretsmanager:${secretArn}:SecretString:::}}`;
    expect(keysOf({ signingSecretArn: secretArn })).toEqual(functions.map(() => reference));
  });

  test("a version changes the template: else CloudFormation would not read the secret again", () => {
    const reference = `{{resolve:secretsmanager:${secretArn}:SecretString:::${versionId}}}`;
    const context = { signingSecretArn: secretArn, signingSecretVersionId: versionId };
    expect(keysOf(context)).toEqual(functions.map(() => reference));
  });
});
