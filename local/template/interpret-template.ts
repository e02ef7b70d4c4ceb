import { existsSync } from "node:fs";
import { join } from "node:path";
import * as z from "zod";
import { CommandError } from "../../ops/terminal/command-error.ts";

// Supports the parts of CloudFormation that this project's stack uses. Anything else that would
// change what is served is rejected, because `npm start` can't do it.

const reference = z.object({ Ref: z.string() });

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({ Type: z.string(), Properties: z.unknown().optional() }),
  ),
});

const apiSchema = z.object({
  CorsConfiguration: z.strictObject({
    AllowOrigins: z.tuple([z.literal("*")]),
    AllowMethods: z.array(z.string()),
    AllowHeaders: z.array(z.string()),
    ExposeHeaders: z.array(z.string()).exactOptional(),
    MaxAge: z.int(),
  }),
});

const routeSchema = z.object({
  RouteKey: z
    .string()
    .regex(/^POST (\/[\w-]+)+$/, "expected POST and a fixed path, without {parameters}"),
  AuthorizationType: z.literal("NONE"),
  /** Becomes the integration's id. */
  Target: z
    .object({
      "Fn::Join": z.tuple([z.literal(""), z.tuple([z.literal("integrations/"), reference])]),
    })
    .transform(({ "Fn::Join": [, [, { Ref }]] }) => Ref),
});

/** Becomes the function's id. */
const arnOfFunction = z
  .object(
    { "Fn::GetAtt": z.tuple([z.string(), z.literal("Arn")]) },
    { error: "expected the Arn of a function" },
  )
  .transform(({ "Fn::GetAtt": [id] }) => id);

const integrationSchema = z.object({
  IntegrationType: z.literal("AWS_PROXY"),
  PayloadFormatVersion: z.literal("2.0"),
  IntegrationUri: arnOfFunction,
});

const functionSchema = z
  .object({
    Code: z.object({ S3Key: z.string().regex(/^\w+\.zip$/) }),
    Handler: z.string(),
    Runtime: z.string().startsWith("nodejs"),
    Timeout: z.number(),
    MemorySize: z.number(),
    LoggingConfig: z.object({ ApplicationLogLevel: z.string() }),
    Environment: z.object({
      Variables: z.record(
        z.string(),
        z.union([z.string(), reference], {
          error: "expected text or a reference to a table or an event bus",
        }),
      ),
    }),
  })
  .transform((properties) => ({
    asset: `asset.${properties.Code.S3Key.replace(".zip", "")}`,
    handler: properties.Handler,
    timeoutSeconds: properties.Timeout,
    memoryMb: properties.MemorySize,
    logLevel: properties.LoggingConfig.ApplicationLogLevel,
    variables: properties.Environment.Variables,
  }));

/** A function of each minute; what watches the stack on AWS runs less often. Becomes its id. */
const everyMinuteSchema = z
  .object({
    ScheduleExpression: z.literal("rate(1 minute)"),
    Targets: z.tuple([z.object({ Arn: arnOfFunction })]),
  })
  .transform(({ Targets: [{ Arn }] }) => Arn);

/** Strict, because an index or a time to live would not be created here. */
const tableSchema = z
  .strictObject({
    KeySchema: z.array(z.object({ AttributeName: z.string(), KeyType: z.enum(["HASH", "RANGE"]) })),
    AttributeDefinitions: z.array(
      z.object({ AttributeName: z.string(), AttributeType: z.enum(["S", "N", "B"]) }),
    ),
    BillingMode: z.literal("PAY_PER_REQUEST"),
    Replicas: z.unknown(),
  })
  .transform(({ Replicas: _, ...definition }) => definition);

export type LocalApp = ReturnType<typeof interpretTemplate>;
export type Cors = LocalApp["cors"];
export type FunctionSpec = LocalApp["functions"][number];
export type TableSpec = LocalApp["tables"][number];

/**
 * Extracts from a synthesized template what is needed to run it locally: routes such as
 * `POST /api/heartbeat`, their functions, and tables. They keep their logical ids from the
 * template.
 *
 * @param assemblyFolder absolute path of the folder of the template
 * @throws CommandError saying what can't be interpreted, and where
 */
export function interpretTemplate(template: unknown, assemblyFolder: string) {
  const { Resources: resources } = parse(templateSchema, template, "The template");

  function read<Output>(id: string, type: string, schema: z.ZodType<Output>): Output {
    const resource = resources[id];
    if (resource?.Type !== type)
      throw new CommandError(`${id} in the template is not of type ${type}.`);
    return parse(schema, resource.Properties, `${id} (${type})`);
  }

  function readAll<Output>(type: string, schema: z.ZodType<Output>) {
    const ids = Object.keys(resources).filter((id) => resources[id]?.Type === type);
    return ids.map((id) => ({ id, ...read(id, type, schema) }));
  }

  const apiType = "AWS::ApiGatewayV2::Api";
  const [api, ...otherApis] = readAll(apiType, apiSchema);
  if (api === undefined || otherApis.length > 0)
    throw new CommandError(`The template must have exactly one ${apiType}.`);

  const routes = readAll("AWS::ApiGatewayV2::Route", routeSchema).map(({ RouteKey, Target }) => ({
    routeKey: RouteKey,
    functionId: read(Target, "AWS::ApiGatewayV2::Integration", integrationSchema).IntegrationUri,
  }));
  const everyMinute = Object.values(resources).flatMap(({ Type, Properties }) => {
    const { data: functionId } = everyMinuteSchema.safeParse(Properties);
    return Type === "AWS::Events::Rule" && functionId !== undefined ? [functionId] : [];
  });
  const buses = Object.keys(resources).filter(
    (id) => resources[id]?.Type === "AWS::Events::EventBus",
  );
  const tables = readAll("AWS::DynamoDB::GlobalTable", tableSchema).map(
    ({ id, ...definition }) => ({ tableName: id, ...definition }),
  );

  function readFunction(id: string) {
    const { asset, variables, ...spec } = read(id, "AWS::Lambda::Function", functionSchema);
    const codeFolder = join(assemblyFolder, asset);
    if (!existsSync(codeFolder))
      throw new CommandError(`${id}: there is no code in ${codeFolder}.`);
    const environment = Object.entries(variables).map(([name, value]): [string, string] => {
      if (typeof value === "string") return [name, value];
      const names = [...tables.map(({ tableName }) => tableName), ...buses];
      if (names.includes(value.Ref)) return [name, value.Ref];
      throw new CommandError(
        `${id}, variable ${name}: it refers to ${value.Ref}, which is neither a table nor an event bus.`,
      );
    });
    return { id, codeFolder, ...spec, environment: Object.fromEntries(environment) };
  }

  const functionIds = [...new Set([...routes.map(({ functionId }) => functionId), ...everyMinute])];
  return {
    cors: api.CorsConfiguration,
    routes,
    /** The ids of the functions that run each minute. */
    everyMinute,
    functions: functionIds.map(readFunction),
    tables,
  };
}

function parse<Output>(schema: z.ZodType<Output>, value: unknown, what: string): Output {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const complaints = result.error.issues.map(
    ({ path, message }) => `${path.join(".") || "as a whole"}: ${message}`,
  );
  throw new CommandError(`${what} can't be run locally. ${complaints.join("; ")}`);
}
