import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { stackTemplate } from "../support/stack-template.ts";

const template = stackTemplate({ alarmEmail: "ops@example.com" });
const [firstTopic, secondTopic] = Object.keys(template.findResources("AWS::SNS::Topic"));

/** What AWS answers to each step's call while all is well. */
const healthy: Answers = {
  describeTable: () => ({ Table: { DeletionProtectionEnabled: true } }),
  describeContinuousBackups: () => backups("ENABLED"),
  getTopicAttributes: () => ({ Attributes: { SubscriptionsConfirmed: "1" } }),
};

describe("each hour", () => {
  test("nothing is reported while the table is safe and somebody receives the alarms", () => {
    expect(run(healthy)).toBe("in place");
  });

  test.for<[what: string, answers: Answers, error: string]>([
    [
      "deletion protection turned off",
      { describeTable: () => ({ Table: { DeletionProtectionEnabled: false } }) },
      "ProtectionIsOff",
    ],
    [
      "backups turned off",
      { describeContinuousBackups: () => backups("DISABLED") },
      "BackupsAreOff",
    ],
    ["a table that is gone", { describeTable: fails }, "Read the table"],
    ...[firstTopic, secondTopic].flatMap((topic): [string, Answers, string][] => [
      [
        `a subscription to ${topic} that is gone`,
        {
          getTopicAttributes: ({ TopicArn }) => ({
            Attributes: { SubscriptionsConfirmed: TopicArn === topic ? "0" : "1" },
          }),
        },
        "NobodyReceivesAlarms",
      ],
      [
        `${topic}, deleted,`,
        {
          getTopicAttributes: ({ TopicArn }) =>
            TopicArn === topic ? fails() : { Attributes: { SubscriptionsConfirmed: "1" } },
        },
        "Read topic",
      ],
    ]),
  ])("%s is reported", ([, answers, error]) => {
    expect(run({ ...healthy, ...answers })).toContain(error);
  });

  test("the rule starts the one state machine, whose failures and timeouts are the alarm's metric", () => {
    const [machine] = Object.keys(template.findResources("AWS::StepFunctions::StateMachine"));
    template.hasResourceProperties("AWS::Events::Rule", {
      ScheduleExpression: "rate(1 hour)",
      State: "ENABLED",
    });
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      Metrics: Match.arrayWith(
        ["ExecutionsFailed", "ExecutionsTimedOut"].map((MetricName) =>
          Match.objectLike({
            MetricStat: {
              Metric: {
                MetricName,
                Dimensions: [{ Name: "StateMachineArn", Value: { Ref: machine } }],
              },
            },
          }),
        ),
      ),
      // A topic can't report its own loss.
      AlarmActions: [{ Ref: firstTopic }, { Ref: secondTopic }],
    });
  });

  test("it may only look: at this table, and at these topics", () => {
    const [policy] = Object.values(
      template.findResources("AWS::IAM::Policy", {
        Properties: { Roles: [{ Ref: roleOfMachine() }] },
      }),
    );
    const statements = policy?.Properties.PolicyDocument.Statement;
    expect(statements.map(({ Action, Resource }: Statement) => [Action, Resource])).toEqual([
      ["dynamodb:describeTable", { "Fn::GetAtt": ["Sessions", "Arn"] }],
      ["dynamodb:describeContinuousBackups", { "Fn::GetAtt": ["Sessions", "Arn"] }],
      ["sns:getTopicAttributes", { Ref: firstTopic }],
      ["sns:getTopicAttributes", { Ref: secondTopic }],
    ]);
  });

  test("without alarmEmail there is one topic, which others may subscribe to", () => {
    stackTemplate().resourceCountIs("AWS::SNS::Topic", 1);
  });
});

type Answers = Record<string, (parameters: Record<string, unknown>) => unknown>;
type Statement = { Action: string; Resource: unknown };

function backups(status: string) {
  return {
    ContinuousBackupsDescription: {
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: status },
    },
  };
}

function fails(): never {
  throw new Error("NotFound");
}

function roleOfMachine(): string {
  const [machine] = Object.values(template.findResources("AWS::StepFunctions::StateMachine"));
  return machine?.Properties.RoleArn["Fn::GetAtt"][0];
}

const stateSchema = z.discriminatedUnion("Type", [
  z.object({
    Type: z.literal("Task"),
    Resource: z.string(),
    Parameters: z.record(z.string(), z.unknown()),
    ResultSelector: z.record(z.string(), z.string()),
    Next: z.string(),
  }),
  z.object({
    Type: z.literal("Choice"),
    Choices: z.array(
      z.object({
        Variable: z.string(),
        BooleanEquals: z.boolean().optional(),
        StringEquals: z.string().optional(),
        Next: z.string(),
      }),
    ),
    Default: z.string(),
  }),
  z.object({ Type: z.literal("Fail"), Error: z.string() }),
  z.object({ Type: z.literal("Succeed") }),
]);

/** Runs the definition as Step Functions does: "in place", or what the execution fails with. */
function run(answers: Answers): string {
  const [machine] = Object.values(template.findResources("AWS::StepFunctions::StateMachine"));
  const parts: (string | { Ref: string })[] = machine?.Properties.DefinitionString["Fn::Join"][1];
  const { StartAt, States } = z
    .object({ StartAt: z.string(), States: z.record(z.string(), stateSchema) })
    .parse(JSON.parse(parts.map((part) => (typeof part === "string" ? part : part.Ref)).join("")));
  let name = StartAt;
  let input: unknown = {};
  for (;;) {
    const state = States[name];
    if (state === undefined) throw new Error(`There is no state ${name}`);
    if (state.Type === "Succeed") return "in place";
    if (state.Type === "Fail") return state.Error;
    if (state.Type === "Task") {
      try {
        const result = answers[state.Resource.split(":").at(-1) ?? ""]?.(state.Parameters);
        input = Object.fromEntries(
          Object.entries(state.ResultSelector).map(([key, path]) => [
            key.replace(".$", ""),
            at(result, path),
          ]),
        );
      } catch (error) {
        return `${name}: ${error}`;
      }
      name = state.Next;
    } else {
      const choice = state.Choices.find(
        ({ Variable, BooleanEquals, StringEquals }) =>
          at(input, Variable) === (BooleanEquals ?? StringEquals),
      );
      name = choice?.Next ?? state.Default;
    }
  }
}

/** A reference path such as `$.Table.Name`. */
function at(value: unknown, path: string): unknown {
  return path
    .split(".")
    .slice(1)
    .reduce((inner, key) => {
      const next = z.record(z.string(), z.unknown()).parse(inner);
      if (!(key in next)) throw new Error(`There is no ${path}`);
      return next[key];
    }, value);
}
