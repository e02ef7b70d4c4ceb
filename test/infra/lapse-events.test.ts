import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { stackTemplate } from "../support/stack-template.ts";

const template = stackTemplate({ lapseEvents: true });

describe("lapse events", () => {
  test("are not there unless they are asked for: reading through the table costs each minute", () => {
    const without = stackTemplate();
    without.resourceCountIs("AWS::Events::EventBus", 0);
    expect(JSON.stringify(without.toJSON())).not.toContain("dynamodb:Scan");
  });

  test("are found each minute, by a function that is over before the next run", () => {
    const [finder, ...others] = Object.keys(
      template.findResources("AWS::Lambda::Function", { Properties: { Timeout: 55 } }),
    );
    expect(others).toEqual([]);
    template.hasResourceProperties("AWS::Events::Rule", {
      ScheduleExpression: "rate(1 minute)",
      State: "ENABLED",
      Targets: [Match.objectLike({ Arn: { "Fn::GetAtt": [finder, "Arn"] } })],
    });
  });

  test("go to a bus of their own, whose name the function and the operator are given", () => {
    const [bus, ...others] = Object.keys(template.findResources("AWS::Events::EventBus"));
    expect(others).toEqual([]);
    template.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: {
          TABLE_NAME: { Ref: "Sessions" },
          EVENT_BUS_NAME: { Ref: bus },
          NODE_OPTIONS: "--enable-source-maps",
        },
      },
    });
    expect(template.findOutputs("LapseEventsBus").LapseEventsBus?.Value).toEqual({ Ref: bus });
  });

  test("need to read through the one table and to put events on the one bus, and no more", () => {
    const [bus] = Object.keys(template.findResources("AWS::Events::EventBus"));
    const [[, policy] = []] = Object.entries(template.findResources("AWS::IAM::Policy")).filter(
      ([id]) => id.startsWith("LapseEvents"),
    );
    const [logs, ...statements] = policy?.Properties.PolicyDocument.Statement ?? [];
    expect(logs.Action).toEqual(["logs:CreateLogStream", "logs:PutLogEvents"]);
    expect(statements).toEqual([
      {
        Action: "dynamodb:Scan",
        Effect: "Allow",
        Resource: [{ "Fn::GetAtt": ["Sessions", "Arn"] }],
      },
      {
        Action: "events:PutEvents",
        Effect: "Allow",
        Resource: { "Fn::GetAtt": [bus, "Arn"] },
      },
    ]);
  });
});
