import type { Node } from "constructs";
import * as z from "zod";

/** A number as in cdk.json, or as the text that `cdk -c` passes. */
const numeric = z
  .union([z.number(), z.string()], { error: "expected a number" })
  .pipe(z.coerce.number<number | string>());

/** Each is CDK context: `cdk deploy -c NAME=VALUE`, or `context` in cdk.json. */
const settingsSchema = z.strictObject({
  /** A session lapses this long after its last heartbeat. */
  sessionTimeoutSeconds: numeric.pipe(z.int().min(1).max(86_400)).default(60),
  /** `false`: all symbols of a license share one session. */
  multiSymbolSessions: z
    .union([z.boolean(), z.stringbool({ truthy: ["true"], falsy: ["false"] })])
    .default(true),
  /** Who is told of alarms; whoever it is must confirm by e-mail. */
  alarmEmail: z.email().optional(),
  /** One of the periods that CloudWatch Logs knows. */
  logRetentionDays: numeric
    .pipe(z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827]))
    .default(30),
  /** Requests beyond this get 429 from API Gateway. A bot makes one request in 20 s. */
  throttleRatePerSecond: numeric.pipe(z.number().positive().max(10_000)).default(500),
  throttleBurst: numeric.pipe(z.int().positive().max(5_000)).default(1_000),
});

export type StackSettings = z.infer<typeof settingsSchema>;

export type ReadResult =
  | { valid: true; settings: StackSettings }
  /** A sentence that names what is wrong. */
  | { valid: false; complaint: string };

/** Reads the settings from the context of the app. */
export function readStackSettings(node: Node): ReadResult {
  // CDK's own names all have a sign between their words; one of letters alone is meant for us.
  const context = Object.fromEntries(
    Object.entries(node.getAllContext()).filter(([name]) => /^[a-z]+$/i.test(name)),
  );
  const result = settingsSchema.safeParse(context);
  if (result.success) return { valid: true, settings: result.data };
  const complaints = result.error.issues.map(
    ({ path, message }) => `context ${path.join(".") || "as a whole"}: ${message}`,
  );
  return { valid: false, complaint: complaints.join("; ") };
}
