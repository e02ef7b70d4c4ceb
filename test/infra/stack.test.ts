import { Stack } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { AttributeType, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { describe, expect, test } from "vitest";
import { RouteFunction } from "../../infra/route-function.ts";
import { routes } from "../../infra/routes.ts";
import { settingsSchema } from "../../infra/stack-settings.ts";
import { localTableName } from "../../ops/data/table-handle.ts";
import { inApp, stackTemplate } from "../support/stack-template.ts";

const template = stackTemplate();
const routeIds = Object.values(routes).map(({ id }) => id);

type Resource = { Type: string; Properties?: object };

describe("the table", () => {
  test("is on demand, protected, restorable and outlives the stack", () => {
    template.resourceCountIs("AWS::DynamoDB::GlobalTable", 1);
    template.hasResource("AWS::DynamoDB::GlobalTable", {
      DeletionPolicy: "Retain",
      UpdateReplacePolicy: "Retain",
      Properties: {
        BillingMode: "PAY_PER_REQUEST",
        KeySchema: [{ AttributeName: "license_id", KeyType: "HASH" }],
        Replicas: [
          Match.objectLike({
            DeletionProtectionEnabled: true,
            PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
          }),
        ],
      },
    });
  });

  test("keeps its logical id, whatever is renamed: another id would be another, empty table", () => {
    expect(Object.keys(template.findResources("AWS::DynamoDB::GlobalTable"))).toEqual(["Sessions"]);
    expect(localTableName).toBe("Sessions");
  });

  test("and everything else is named by CloudFormation", () => {
    const names = [
      "TableName",
      "FunctionName",
      "RoleName",
      "LogGroupName",
      "TopicName",
      "AlarmName",
      "DashboardName",
      "FilterName",
    ];
    const named = Object.entries(template.toJSON().Resources as Record<string, Resource>).filter(
      ([, { Type, Properties }]) =>
        !["AWS::Lambda::Permission", "AWS::Logs::MetricFilter"].includes(Type) &&
        names.some((name) => name in (Properties ?? {})),
    );
    expect(named).toEqual([]);
  });
});

describe("the API", () => {
  test("has exactly these routes, all POST", () => {
    const added = Object.values(template.findResources("AWS::ApiGatewayV2::Route"));
    expect(added.map(({ Properties }) => Properties.RouteKey).sort()).toEqual([
      "POST /api/heartbeat",
      "POST /api/session/release",
      "POST /api/validate-license",
    ]);
  });

  test("logs each access without the body", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Stage", {
      StageName: "$default",
      AutoDeploy: true,
      AccessLogSettings: {
        DestinationArn: Match.anyValue(),
        Format: Match.serializedJson(
          Match.objectLike({
            requestId: "$context.requestId",
            functionRequestId: "$context.awsEndpointRequestId",
            status: "$context.status",
            routeKey: "$context.routeKey",
          }),
        ),
      },
    });
  });

  test("each route has a throttle of its own, so that guessing at claims never starves heartbeats; the rest shares one", () => {
    const [stage] = Object.values(template.findResources("AWS::ApiGatewayV2::Stage"));
    expect(stage?.Properties.DefaultRouteSettings).toEqual({
      ThrottlingRateLimit: 100,
      ThrottlingBurstLimit: 100,
    });
    expect(stage?.Properties.RouteSettings).toEqual({
      "POST /api/validate-license": { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 1000 },
      "POST /api/heartbeat": { ThrottlingRateLimit: 500, ThrottlingBurstLimit: 1000 },
      "POST /api/session/release": { ThrottlingRateLimit: 100, ThrottlingBurstLimit: 1000 },
    });
  });

  test("the stage comes after its routes: a throttle of a missing route fails the deploy", () => {
    const [stage] = Object.values(template.findResources("AWS::ApiGatewayV2::Stage"));
    const added = Object.keys(template.findResources("AWS::ApiGatewayV2::Route"));
    expect(stage?.DependsOn).toEqual(expect.arrayContaining(added));
  });
});

test("the API lets pages of any origin send JSON and read signatures, and browsers remember it for a day", () => {
  template.hasResourceProperties("AWS::ApiGatewayV2::Api", {
    CorsConfiguration: {
      AllowOrigins: ["*"],
      AllowMethods: ["POST"],
      AllowHeaders: ["content-type", "content-digest"],
      ExposeHeaders: ["content-digest", "signature-input", "signature"],
      MaxAge: 86_400,
    },
  });
});

describe("the functions", () => {
  test("run on Node.js 24 on arm64, log JSON, and outlast their own answer in time", () => {
    template.resourceCountIs("AWS::Lambda::Function", routeIds.length);
    template.allResourcesProperties("AWS::Lambda::Function", {
      Runtime: "nodejs24.x",
      Architectures: ["arm64"],
      Timeout: 5,
      LoggingConfig: {
        LogFormat: "JSON",
        ApplicationLogLevel: "INFO",
        SystemLogLevel: "WARN",
        LogGroup: Match.anyValue(),
      },
      Environment: {
        Variables: {
          TABLE_NAME: { Ref: "Sessions" },
          SESSION_TIMEOUT_SECONDS: "60",
          MULTI_SYMBOL_SESSIONS: "true",
          LEGACY_BOTS: "false",
        },
      },
    });
  });

  test("the functions' lines are kept for 400 days, the access log for 30, what operators changed for two years", () => {
    const [ofFunctions, accessLog, changes] = [routeIds.length, 1, 1];
    template.resourceCountIs("AWS::Logs::LogGroup", ofFunctions + accessLog + changes);
    template.resourcePropertiesCountIs(
      "AWS::Logs::LogGroup",
      { RetentionInDays: 400 },
      ofFunctions,
    );
    template.resourcePropertiesCountIs("AWS::Logs::LogGroup", { RetentionInDays: 30 }, accessLog);
    template.resourcePropertiesCountIs("AWS::Logs::LogGroup", { RetentionInDays: 731 }, 1);
  });

  test("each may do on the table what its code does, and nothing else anywhere", () => {
    const ofFunctions = Object.entries(template.findResources("AWS::IAM::Policy")).filter(([id]) =>
      id.startsWith("Api"),
    );
    const granted = ofFunctions.map(([id, { Properties }]) => {
      const actions = Properties.PolicyDocument.Statement.flatMap(
        ({ Action }: { Action: string | string[] }) => Action,
      );
      return [routeIds.find((routeId) => id.includes(routeId)), actions.sort()];
    });
    const logs = ["logs:CreateLogStream", "logs:PutLogEvents"];
    expect(Object.fromEntries(granted)).toEqual({
      Validate: ["dynamodb:GetItem", "dynamodb:UpdateItem", ...logs],
      Heartbeat: ["dynamodb:UpdateItem", ...logs],
      Release: ["dynamodb:UpdateItem", ...logs],
    });
    const roles = Object.values(template.findResources("AWS::IAM::Role"));
    expect(roles.filter(({ Properties }) => Properties.ManagedPolicyArns)).toEqual([]);
    expect(JSON.stringify(template.findResources("AWS::IAM::Policy"))).not.toContain('"*"');
  });
});

test("a function that needs no action on the table gets none, and no policy is wrong", () => {
  const policies = inApp({}, (app) => {
    const stack = new Stack(app);
    const table = new TableV2(stack, "Sessions", {
      partitionKey: { name: "license_id", type: AttributeType.STRING },
    });
    new RouteFunction(stack, {
      route: { ...routes.release, tableActions: [] },
      table,
      settings: settingsSchema.parse({}),
    });
    return JSON.stringify(Template.fromStack(stack).findResources("AWS::IAM::Policy"));
  });
  expect(policies).toContain("logs:PutLogEvents");
  expect(policies).not.toContain("dynamodb:");
});

describe("the alarms", () => {
  test("the topic lets the account's alarms in, and nobody without TLS", () => {
    template.hasResourceProperties("AWS::SNS::TopicPolicy", {
      PolicyDocument: {
        Statement: [
          Match.objectLike({
            Effect: "Deny",
            Condition: { Bool: { "aws:SecureTransport": "false" } },
          }),
          Match.objectLike({
            Effect: "Allow",
            Action: "sns:Publish",
            Principal: { Service: "cloudwatch.amazonaws.com" },
            Condition: { StringEquals: { "aws:SourceAccount": { Ref: "AWS::AccountId" } } },
          }),
        ],
      },
    });
  });

  test("an e-mail is sent to whom the context names, and to nobody else", () => {
    template.resourceCountIs("AWS::SNS::Subscription", 0);
    stackTemplate({ alarmEmail: "ops@example.com" }).hasResourceProperties(
      "AWS::SNS::Subscription",
      { Protocol: "email", Endpoint: "ops@example.com" },
    );
  });
});

test("the outputs name the API, the table, the logs, the topic, the dashboard, the commit and two settings", () => {
  expect(Object.keys(template.findOutputs("*")).sort()).toEqual([
    "AlarmTopicArn",
    "ApiUrl",
    "ChangesLogGroup",
    "Commit",
    "DashboardName",
    "FunctionLogGroups",
    "MultiSymbolSessions",
    "SessionTimeoutSeconds",
    "TableName",
  ]);
});
