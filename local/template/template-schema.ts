import * as z from "zod";

// The parts of CloudFormation that CDK writes for an HTTP API on Lambda and DynamoDB. What is
// stricter here than there is what `npm start` can't do.

export const apiType = "AWS::ApiGatewayV2::Api";
export const tableTypes = ["AWS::DynamoDB::GlobalTable", "AWS::DynamoDB::Table"];

const reference = z.object({ Ref: z.string() });
const arn = z
  .object({ "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) })
  .transform(({ "Fn::GetAtt": [id] }) => id);

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

const corsSchema = z.object({
  AllowOrigins: z.tuple([z.literal("*")]),
  AllowMethods: z.array(z.string()).exactOptional(),
  AllowHeaders: z.array(z.string()).exactOptional(),
  ExposeHeaders: z.array(z.string()).exactOptional(),
  MaxAge: z.int().exactOptional(),
});

export type Cors = z.infer<typeof corsSchema>;

export const apiSchema = z.object({ CorsConfiguration: corsSchema.exactOptional() });

export const routeSchema = z.object({
  RouteKey: z.string(),
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
  IntegrationUri: z.union(
    [
      arn,
      z
        .object({ "Fn::Join": z.tuple([z.literal(""), z.array(z.unknown())]) })
        .transform(({ "Fn::Join": [, parts] }) =>
          parts.flatMap((part) => arn.safeParse(part).data ?? []),
        )
        .pipe(z.tuple([z.string()]))
        .transform(([id]) => id),
    ],
    { error: "expected the Arn of one function" },
  ),
});

export const functionSchema = z.object({
  Code: z.object({ S3Key: z.string() }),
  Handler: z.string(),
  Runtime: z.string().startsWith("nodejs"),
  Timeout: z.number().default(3),
  MemorySize: z.number().default(128),
  LoggingConfig: z.object({ ApplicationLogLevel: z.string().default("INFO") }).prefault({}),
  Environment: z
    .object({
      Variables: z.record(
        z.string(),
        z.union([z.string(), reference], { error: "expected text or a reference to a table" }),
      ),
    })
    .default({ Variables: {} }),
});

const keySchema = z.array(
  z.object({ AttributeName: z.string(), KeyType: z.enum(["HASH", "RANGE"]) }),
);
const indexes = z
  .array(
    z.object({
      IndexName: z.string(),
      KeySchema: keySchema,
      Projection: z.object({
        ProjectionType: z.enum(["ALL", "KEYS_ONLY", "INCLUDE"]),
        NonKeyAttributes: z.array(z.string()).exactOptional(),
      }),
    }),
  )
  .min(1);

export const tableSchema = z.object({
  KeySchema: keySchema,
  AttributeDefinitions: z.array(
    z.object({ AttributeName: z.string(), AttributeType: z.enum(["S", "N", "B"]) }),
  ),
  GlobalSecondaryIndexes: indexes.exactOptional(),
  LocalSecondaryIndexes: indexes.exactOptional(),
});
