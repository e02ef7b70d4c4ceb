import * as z from "zod";

// The parts of CloudFormation that this project's stack has. Anything else that would change what
// is served is refused, because `npm start` can't do it.

const reference = z.object({ Ref: z.string() });

export const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.unknown().optional() }),
  ),
});

export const assetsSchema = z.object({
  files: z.record(
    z.string(),
    z.object({
      source: z.object({ path: z.string() }),
      destinations: z.record(z.string(), z.object({ objectKey: z.string() })),
    }),
  ),
});

const corsSchema = z.strictObject({
  AllowOrigins: z.tuple([z.literal("*")]),
  AllowMethods: z.array(z.string()),
  AllowHeaders: z.array(z.string()),
  ExposeHeaders: z.array(z.string()).exactOptional(),
  MaxAge: z.int(),
});

export type Cors = z.infer<typeof corsSchema>;

export const apiSchema = z.object({ CorsConfiguration: corsSchema });

export const routeSchema = z.object({
  RouteKey: z
    .string()
    .regex(/^POST (\/[\w-]+)+$/, "expected POST and a fixed path, without {parameters}"),
  AuthorizationType: z.literal("NONE").optional(),
  /** Becomes the integration's id. */
  Target: z
    .object({
      "Fn::Join": z.tuple([z.literal(""), z.tuple([z.literal("integrations/"), reference])]),
    })
    .transform(({ "Fn::Join": [, [, { Ref }]] }) => Ref),
});

export const integrationSchema = z.object({
  IntegrationType: z.literal("AWS_PROXY"),
  PayloadFormatVersion: z.literal("2.0"),
  /** Becomes the function's id. */
  IntegrationUri: z
    .object(
      { "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) },
      { error: "expected the Arn of a function" },
    )
    .transform(({ "Fn::GetAtt": [id] }) => id),
});

export const functionSchema = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  Runtime: z.string().startsWith("nodejs"),
  Timeout: z.number(),
  MemorySize: z.number(),
  LoggingConfig: z.object({ ApplicationLogLevel: z.string() }),
  Environment: z.object({
    Variables: z.record(
      z.string(),
      z.union([z.string(), reference], { error: "expected text or a reference to a table" }),
    ),
  }),
});

/** Strict: an index or a time to live would not be created here. */
export const tableSchema = z
  .strictObject({
    KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(["HASH", "RANGE"]) })),
    AttributeDefinitions: z.array(
      z.object({ AttributeName: z.string(), AttributeType: z.enum(["S", "N", "B"]) }),
    ),
    BillingMode: z.literal("PAY_PER_REQUEST"),
    Replicas: z.unknown(),
  })
  .transform(({ Replicas: _, ...definition }) => definition);
