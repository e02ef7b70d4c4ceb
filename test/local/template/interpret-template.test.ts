import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { interpretTemplate } from "../../../local/template/interpret-template.ts";
import { CommandError } from "../../../ops/terminal/command-error.ts";
import {
  apiWith,
  cors,
  functionWith,
  integrationOf,
  routeWith,
  tableWith,
  templateWith,
} from "../support/sample-template.ts";
import { tempFolder } from "../support/temp-folder.ts";

let folder: string;
beforeEach(async () => {
  folder = await tempFolder();
  await mkdir(join(folder, "asset.beef"));
});

function interpret(changes?: Record<string, unknown>) {
  return interpretTemplate(templateWith(changes), folder);
}

describe("a template", () => {
  test("gives its routes, the functions they lead to, and its tables", () => {
    expect(interpret()).toEqual({
      cors,
      routes: [{ routeKey: "POST /beat", functionId: "Beat" }],
      everyMinute: [],
      functions: [
        {
          id: "Beat",
          codeFolder: join(folder, "asset.beef"),
          handler: "index.handler",
          timeoutSeconds: 5,
          memoryMb: 512,
          logLevel: "WARN",
          environment: { TABLE_NAME: "Sessions", LIMIT: "60" },
        },
      ],
      tables: [
        {
          tableName: "Sessions",
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
          BillingMode: "PAY_PER_REQUEST",
        },
      ],
    });
  });

  test("may have functions without a route, of any kind", () => {
    const Other = functionWith({ Runtime: "python3.13", Code: { ZipFile: "pass" } });
    expect(interpret({ Other }).functions.map(({ id }) => id)).toEqual(["Beat"]);
  });
});

describe("what can't be run here is reported, with its place:", () => {
  test.each([
    ["no API", { Api: { Type: "AWS::SNS::Topic" } }, "AWS::ApiGatewayV2::Api"],
    ["two APIs", { Api2: { Type: "AWS::ApiGatewayV2::Api" } }, "AWS::ApiGatewayV2::Api"],
    [
      "an origin of one's own",
      { Api: apiWith({ CorsConfiguration: { ...cors, AllowOrigins: ["https://bots.example"] } }) },
      "Api (AWS::ApiGatewayV2::Api) can't be run locally. CorsConfiguration.AllowOrigins",
    ],
    ["no CORS", { Api: apiWith({ CorsConfiguration: undefined }) }, "CorsConfiguration"],
    [
      "credentials for other origins",
      { Api: apiWith({ CorsConfiguration: { ...cors, AllowCredentials: true } }) },
      "AllowCredentials",
    ],
    [
      "another method",
      { BeatRoute: routeWith("GET /beat") },
      "RouteKey: expected POST and a fixed",
    ],
    ["any method", { BeatRoute: routeWith("ANY /beat") }, "RouteKey: expected POST and a fixed"],
    ["a path parameter", { BeatRoute: routeWith("POST /{id}") }, "RouteKey: expected POST"],
    ["a greedy path", { BeatRoute: routeWith("POST /{any+}") }, "RouteKey: expected POST"],
    ["a route for the rest", { BeatRoute: routeWith("$default") }, "RouteKey: expected POST"],
    ["no integration", { BeatIntegration: { Type: "AWS::SNS::Topic" } }, "BeatIntegration"],
    [
      "an authorizer",
      {
        BeatRoute: {
          Type: "AWS::ApiGatewayV2::Route",
          Properties: { AuthorizationType: "JWT", RouteKey: "POST /beat" },
        },
      },
      "BeatRoute (AWS::ApiGatewayV2::Route) can't be run locally. AuthorizationType",
    ],
    ["an odd integration", { BeatIntegration: integrationOf("arn:x") }, "IntegrationUri: expected"],
    [
      "an integration with an unknown function",
      { BeatIntegration: integrationOf({ "Fn::GetAtt": ["Topic", "Arn"] }) },
      "Topic in the template is not of type AWS::Lambda::Function",
    ],
    ["another runtime", { Beat: functionWith({ Runtime: "python3.13" }) }, "Runtime"],
    ["code from elsewhere", { Beat: functionWith({ Code: { S3Key: "f00d.zip" } }) }, "asset.f00d"],
    ["inline code", { Beat: functionWith({ Code: { ZipFile: "0" } }) }, "Code.S3Key"],
    [
      "a computed variable",
      { Beat: functionWith({ Environment: { Variables: { X: { "Fn::Sub": "" } } } }) },
      "Beat (AWS::Lambda::Function) can't be run locally. Environment.Variables.X: expected",
    ],
    [
      "a variable that refers to no table",
      { Beat: functionWith({ Environment: { Variables: { X: { Ref: "Topic" } } } }) },
      "Beat, variable X: it refers to Topic",
    ],
    [
      "a table without a key",
      { Sessions: { Type: "AWS::DynamoDB::GlobalTable", Properties: {} } },
      "Sessions (AWS::DynamoDB::GlobalTable) can't be run locally. KeySchema",
    ],
    [
      "a table with an index",
      { Sessions: tableWith({ GlobalSecondaryIndexes: [] }) },
      "GlobalSecondaryIndexes",
    ],
  ])("%s", (_what, changes, words) => {
    expect(() => interpret(changes)).toThrow(CommandError);
    expect(() => interpret(changes)).toThrow(words);
  });
});
