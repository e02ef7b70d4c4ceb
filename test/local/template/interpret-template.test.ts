import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { interpretTemplate } from "../../../local/template/interpret-template.ts";
import { CommandError } from "../../../ops/terminal/command-error.ts";
import { stackTemplate } from "../../support/stack-template.ts";
import { tempFolder } from "../support/temp-folder.ts";

type Fields = Record<string, unknown>;

const stack = stackTemplate();
const [topic = ""] = Object.keys(stack.findResources("AWS::SNS::Topic"));

let folder: string;
beforeEach(async () => {
  folder = await tempFolder();
  for (const { Properties } of Object.values(stack.findResources("AWS::Lambda::Function"))) {
    const name = `asset.${Properties.Code.S3Key.replace(".zip", "")}`;
    await mkdir(join(folder, name), { recursive: true });
  }
});

/** Interprets the stack, in which the first resource of a type has another value at a path. */
function interpret(type: string, path: string, value: unknown) {
  const { Resources } = structuredClone(stack.toJSON()) as { Resources: Record<string, Fields> };
  const names = path.split(".");
  const last = names.pop() ?? "";
  const resource = Object.values(Resources).find(({ Type }) => Type === type) ?? {};
  const changed = names.reduce<Fields>((inner, name) => inner[name] as Fields, resource);
  changed[last] = value;
  return interpretTemplate({ Resources }, folder);
}

test("functions without a route may be of any kind", () => {
  const ids = ({ functions }: ReturnType<typeof interpret>) => functions.map(({ id }) => id);
  expect(ids(interpret("AWS::SNS::Topic", "Type", "AWS::Lambda::Function"))).toEqual(
    ids(interpretTemplate(stack.toJSON(), folder)),
  );
});

test("there can't be two APIs", () => {
  const { Resources } = stack.toJSON();
  const [Second] = Object.values(stack.findResources("AWS::ApiGatewayV2::Api"));
  expect(() => interpretTemplate({ Resources: { ...Resources, Second } }, folder)).toThrow(
    "must have exactly one AWS::ApiGatewayV2::Api",
  );
});

describe("what can't be run here is reported, with its place:", () => {
  const api = "AWS::ApiGatewayV2::Api";
  const route = "AWS::ApiGatewayV2::Route";
  const integration = "AWS::ApiGatewayV2::Integration";
  const lambda = "AWS::Lambda::Function";
  const table = "AWS::DynamoDB::GlobalTable";
  const cors = "Properties.CorsConfiguration";
  const variable = "Properties.Environment.Variables.X";
  const routeKey = "Properties.RouteKey";
  const fixedPath = "RouteKey: expected POST and a fixed path";

  test.each([
    ["no API", api, "Type", "AWS::SNS::Topic", `must have exactly one ${api}`],
    ["an origin of one's own", api, `${cors}.AllowOrigins`, ["https://bots.example"], "Origins"],
    ["no CORS", api, cors, undefined, `(${api}) can't be run locally. CorsConfiguration`],
    ["credentials", api, `${cors}.AllowCredentials`, true, "AllowCredentials"],
    ["another method", route, routeKey, "GET /beat", fixedPath],
    ["any method", route, routeKey, "ANY /beat", fixedPath],
    ["a path parameter", route, routeKey, "POST /{id}", fixedPath],
    ["a greedy path", route, routeKey, "POST /{any+}", fixedPath],
    ["a route for the rest", route, routeKey, "$default", fixedPath],
    ["an authorizer", route, "Properties.AuthorizationType", "JWT", "AuthorizationType"],
    ["no integration", integration, "Type", "AWS::SNS::Topic", `is not of type ${integration}`],
    [
      "an odd integration",
      integration,
      "Properties.IntegrationUri",
      "arn:x",
      "IntegrationUri: exp",
    ],
    [
      "an integration with an unknown function",
      integration,
      "Properties.IntegrationUri",
      { "Fn::GetAtt": [topic, "Arn"] },
      `${topic} in the template is not of type ${lambda}`,
    ],
    [
      "another payload",
      integration,
      "Properties.PayloadFormatVersion",
      "1.0",
      "PayloadFormatVersion",
    ],
    ["another runtime", lambda, "Properties.Runtime", "python3.13", "Runtime"],
    ["code from elsewhere", lambda, "Properties.Code.S3Key", "f00d.zip", "asset.f00d"],
    ["inline code", lambda, "Properties.Code", { ZipFile: "0" }, "Code.S3Key"],
    [
      "a computed variable",
      lambda,
      variable,
      { "Fn::Sub": "" },
      "Environment.Variables.X: expected",
    ],
    ["a variable that refers to no table", lambda, variable, { Ref: topic }, `refers to ${topic}`],
    ["a table without a key", table, "Properties.KeySchema", undefined, `(${table}) can't be run`],
    ["a table with an index", table, "Properties.GlobalSecondaryIndexes", [], "SecondaryIndexes"],
  ])("%s", (_what, type, path, value, words) => {
    expect(() => interpret(type, path, value)).toThrow(CommandError);
    expect(() => interpret(type, path, value)).toThrow(words);
  });
});
