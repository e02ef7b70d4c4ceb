import { join } from "node:path";
import type * as z from "zod";
import { CommandError } from "../../engine/command-error.ts";
import {
  apiSchema,
  assetsSchema,
  type Cors,
  functionSchema,
  integrationSchema,
  routeSchema,
  tableSchema,
  templateSchema,
} from "./template-schema.ts";

export type LocalApp = {
  apiId: string;
  cors: Cors;
  routes: readonly RouteSpec[];
  /** Those that a route leads to. */
  functions: readonly FunctionSpec[];
  tables: readonly TableSpec[];
};

/** `routeKey` is `POST /api/heartbeat`. */
export type RouteSpec = { routeKey: string; functionId: string };

export type FunctionSpec = {
  /** Its logical id in the template. */
  id: string;
  /** Absolute path of its unpacked code. */
  codeFolder: string;
  handler: string;
  timeoutSeconds: number;
  memoryMb: number;
  logLevel: string;
  environment: Record<string, string>;
};

/** Here a table is named by its logical id. */
export type TableSpec = { tableName: string } & z.infer<typeof tableSchema>;

/**
 * Makes of a synthesized template what is needed to run it here.
 *
 * @param assemblyFolder absolute path that the paths in `assets` start from
 * @throws CommandError saying what can't be interpreted, and where
 */
export function interpretTemplate(
  template: unknown,
  assets: unknown,
  assemblyFolder: string,
): LocalApp {
  const { Resources: resources } = parse(templateSchema, template, "The template");
  const files = Object.values(parse(assetsSchema, assets, "The asset manifest").files);

  const idsOfType = (type: string) =>
    Object.keys(resources).filter((id) => resources[id]?.Type === type);

  function read<Output>(id: string, type: string, schema: z.ZodType<Output>): Output {
    const resource = resources[id];
    if (resource?.Type !== type) throw new CommandError(`${id} in the template is no ${type}.`);
    return parse(schema, resource.Properties, `${id} (${type})`);
  }

  function readFunction(id: string): FunctionSpec {
    const properties = read(id, "AWS::Lambda::Function", functionSchema);
    const { S3Key: key } = properties.Code;
    const file = files.find(({ destinations }) =>
      Object.values(destinations).some(({ objectKey }) => objectKey === key),
    );
    if (file === undefined) throw new CommandError(`${id}: no asset has the key ${key}.`);
    return {
      id,
      codeFolder: join(assemblyFolder, file.source.path),
      handler: properties.Handler,
      timeoutSeconds: properties.Timeout,
      memoryMb: properties.MemorySize,
      logLevel: properties.LoggingConfig.ApplicationLogLevel,
      environment: Object.fromEntries(
        Object.entries(properties.Environment.Variables).map(([name, value]) => [
          name,
          typeof value === "string" ? value : tableNameOf(value.Ref, `${id}, variable ${name}`),
        ]),
      ),
    };
  }

  function tableNameOf(id: string, where: string): string {
    if (tables.some(({ tableName }) => tableName === id)) return id;
    throw new CommandError(`${where}: a reference to ${id}, which is no table.`);
  }

  const apiType = "AWS::ApiGatewayV2::Api";
  const [apiId, ...otherApis] = idsOfType(apiType);
  if (apiId === undefined || otherApis.length > 0)
    throw new CommandError(`Expected one ${apiType} in the template.`);

  const tableType = "AWS::DynamoDB::GlobalTable";
  const tables = idsOfType(tableType).map((id) => ({
    tableName: id,
    ...read(id, tableType, tableSchema),
  }));

  const routeType = "AWS::ApiGatewayV2::Route";
  const routes = idsOfType(routeType).map((id) => {
    const { RouteKey, Target } = read(id, routeType, routeSchema);
    const integration = read(Target, "AWS::ApiGatewayV2::Integration", integrationSchema);
    return { routeKey: RouteKey, functionId: integration.IntegrationUri };
  });

  return {
    apiId,
    cors: read(apiId, apiType, apiSchema).CorsConfiguration,
    routes,
    functions: [...new Set(routes.map(({ functionId }) => functionId))].map(readFunction),
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
