import type { Node } from "constructs";
import * as z from "zod";

/** A number as in cdk.json, or as the decimal text that `cdk -c` passes. Not `0x10`, nor `1e3`. */
const numeric = z
  .union([z.number(), z.string().regex(/^(0|[1-9]\d*)(\.\d+)?$/)], { error: "expected a number" })
  .transform(Number);
const flag = z.union(
  [z.boolean(), z.stringbool({ truthy: ["true"], falsy: ["false"], case: "sensitive" })],
  {
    error: "expected true or false",
  },
);
const matching = (pattern: RegExp, error: string) => z.string({ error }).regex(pattern, error);

const hostName = matching(
  /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$/,
  "expected a host name in lower case, such as licenses.example.com",
);
const secretArn = matching(
  /^arn:aws[a-z-]*:secretsmanager:[a-z0-9-]+:\d{12}:secret:[\w/+=.@-]+$/,
  "expected the ARN of a secret of AWS Secrets Manager",
);
const secretVersionId = matching(
  /^[\w-]{32,64}$/,
  "expected the version id of a secret, 32 to 64 characters",
);

/** Requests per second that API Gateway admits. The rest are answered 429. */
const perSecond = numeric.pipe(z.number().positive().max(10_000));
/** Requests that may arrive at once, on top of the rate. */
const burst = numeric.pipe(z.int().positive().max(5_000));

/**
 * The settings, which are CDK context: `cdk deploy -c NAME=VALUE`, or `context` in cdk.json.
 * `docs/settings.md` explains each.
 */
export const settingsSchema = z
  .strictObject({
    sessionTimeoutSeconds: numeric.pipe(z.int().min(1).max(86_400)).default(60),
    multiSymbolSessions: flag.default(true),
    legacyBots: flag.default(false),
    lapseEvents: flag.default(false),
    alarmEmail: z.email("expected an e-mail address").optional(),
    noTrafficAlarmMinutes: numeric.pipe(z.int().min(5).max(1_440).multipleOf(5)).optional(),
    logRetentionDays: numeric
      .pipe(z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827]))
      // A year and a month: the history, and which keys were used in a month, are read from these lines.
      .default(400),
    claimsPerSecond: perSecond.default(100),
    claimsBurst: burst.default(1_000),
    heartbeatsPerSecond: perSecond.default(500),
    heartbeatsBurst: burst.default(1_000),
    releasesPerSecond: perSecond.default(100),
    releasesBurst: burst.default(1_000),
    domainName: hostName.optional(),
    certificateArn: matching(
      /^arn:aws[a-z-]*:acm:[a-z0-9-]+:\d{12}:certificate\/[\w-]+$/,
      "expected the ARN of a certificate of AWS Certificate Manager",
    ).optional(),
    hostedZoneId: matching(
      /^Z[A-Z0-9]{1,31}$/,
      "expected the id of a Route 53 hosted zone, such as Z0123456789ABC",
    ).optional(),
    permissionsBoundary: matching(
      /^[\w+=,.@-]{1,128}$/,
      "expected the name of a managed policy, such as LicenseSessionsBoundary",
    ).optional(),
    signingSecretArn: secretArn.optional(),
    signingSecretVersionId: secretVersionId.optional(),
    // The one form that the output `DomainTarget` has. With `domainName` itself CloudFront would
    // ask itself.
    edgeOrigin: matching(
      /^d-[a-z0-9]+\.execute-api\.[a-z0-9-]+\.amazonaws\.com$/,
      "expected the output DomainTarget, such as d-abc123.execute-api.eu-central-1.amazonaws.com",
    ).optional(),
    edgeTarget: matching(
      /^[a-z0-9]+\.cloudfront\.net$/,
      "expected the output EdgeTarget, such as d111111abcdef8.cloudfront.net",
    ).optional(),
    edgeOnly: flag.default(false),
    edgeCertificateArn: matching(
      /^arn:aws[a-z-]*:acm:us-east-1:\d{12}:certificate\/[\w-]+$/,
      "expected the ARN of a certificate of AWS Certificate Manager in us-east-1",
    ).optional(),
    edgeRequestsPerFiveMinutes: numeric.pipe(z.int().min(10).max(20_000_000)).default(2_000),
    originSecretArn: secretArn.optional(),
    originSecretVersionId: secretVersionId.optional(),
  })
  .superRefine((settings, context) => {
    for (const [name, needed] of inseparable) {
      if (!settings[name] || settings[needed]) continue;
      context.addIssue({ code: "custom", path: [needed], message: `must be set with ${name}` });
    }
  });

/** The first can't be set without the second. */
const inseparable = [
  ["domainName", "certificateArn"],
  ["certificateArn", "domainName"],
  ["hostedZoneId", "domainName"],
  ["signingSecretVersionId", "signingSecretArn"],
  ["edgeCertificateArn", "domainName"],
  ["edgeCertificateArn", "edgeOrigin"],
  ["edgeCertificateArn", "originSecretArn"],
  ["edgeOrigin", "edgeCertificateArn"],
  ["edgeTarget", "edgeCertificateArn"],
  ["edgeOnly", "edgeTarget"],
  ["originSecretArn", "edgeCertificateArn"],
  ["originSecretVersionId", "originSecretArn"],
] as const;

export type StackSettings = z.infer<typeof settingsSchema>;

type ReadResult =
  | { valid: true; settings: StackSettings }
  /** A sentence that names what is wrong. */
  | { valid: false; complaint: string };

/**
 * Context by which `npm start` says that it runs the app for its own engine, on one machine with
 * one clock. It is no setting, so that nobody deploys with it by mistake.
 */
const ownEngineContext = "license-sessions:own-engine";

/**
 * Shorter leases are refused on AWS: of 30 s, 4 s go to the clocks of two functions, and a bot that
 * sends a heartbeat every 10 s must survive a lost one and answers that take 5 s.
 */
const leastTimeoutSecondsOnAws = 30;

/** Reads the settings from the context of the app. Empty text is the same as no setting. */
export function readStackSettings(node: Node): ReadResult {
  const context = Object.fromEntries(
    Object.entries(node.getAllContext()).filter(
      ([name, value]) => !belongsToCdk(name) && value !== "",
    ),
  );
  const result = settingsSchema.safeParse(context);
  if (!result.success) {
    const complaints = result.error.issues.map((issue) => inWords(issue, context));
    return { valid: false, complaint: `${complaints.join("; ")}.` };
  }
  const { sessionTimeoutSeconds } = result.data;
  const ownEngine = node.tryGetContext(ownEngineContext) === "true";
  if (sessionTimeoutSeconds < leastTimeoutSecondsOnAws && !ownEngine) {
    return {
      valid: false,
      complaint: `context sessionTimeoutSeconds: expected ${leastTimeoutSecondsOnAws} or more, not ${sessionTimeoutSeconds}.`,
    };
  }
  return { valid: true, settings: result.data };
}

/**
 * CDK's flags and looked-up values have a colon, a slash or an @ in their names, but for two. Any
 * other name is a setting, or meant to be one.
 */
function belongsToCdk(name: string): boolean {
  return /[:/@]/.test(name) || ["cli-telemetry", "acknowledged-issue-numbers"].includes(name);
}

function inWords(issue: z.core.$ZodIssue, context: Record<string, unknown>): string {
  if (issue.code === "unrecognized_keys") {
    return `context ${issue.keys.join(", ")}: there is no such setting; docs/settings.md lists them`;
  }
  const name = String(issue.path[0]);
  const value = name in context ? `, not ${JSON.stringify(context[name])}` : "";
  return `context ${name}: ${issue.message}${value}`;
}
