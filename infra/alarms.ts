import { Duration, Stack } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import {
  Alarm,
  type AlarmProps,
  Color,
  ComparisonOperator,
  type HorizontalAnnotation,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { PolicyStatement, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Topic } from "aws-cdk-lib/aws-sns";
import { EmailSubscription } from "aws-cdk-lib/aws-sns-subscriptions";
import { Construct } from "constructs";
import type { RouteFunction } from "./route-function.ts";
import { sumOverOperations } from "./table-metrics.ts";

export type AlarmsProps = {
  httpApi: HttpApi;
  functions: readonly RouteFunction[];
  table: TableV2;
  email: string | undefined;
};

const period = Duration.minutes(5);

/** The alarms, and the topic that tells of them and of their end. */
export class Alarms extends Construct {
  readonly topic: Topic;
  private readonly thresholdOf = new Map<string, number>();

  constructor(scope: Construct, id: string, { httpApi, functions, table, email }: AlarmsProps) {
    super(scope, id);
    this.topic = new Topic(this, "Topic", { enforceSSL: true });
    // A topic with a policy of its own no longer lets the account's alarms in by default.
    this.topic.addToResourcePolicy(
      new PolicyStatement({
        actions: ["sns:Publish"],
        principals: [new ServicePrincipal("cloudwatch.amazonaws.com")],
        resources: [this.topic.topicArn],
        conditions: { StringEquals: { "aws:SourceAccount": Stack.of(this).account } },
      }),
    );
    if (email) this.topic.addSubscription(new EmailSubscription(email));

    this.alarm("Api5xx", {
      metric: httpApi.metricServerError({ period, statistic: "Sum" }),
      threshold: 5,
      alarmDescription:
        "Requests are answered 5xx. Either heartbeats are refused (a session taken by another " +
        "device or gone) or the service fails: the code in the functions' logs tells which.",
    });
    for (const { function: fn, node } of functions) {
      this.alarm(`${node.id}Errors`, {
        metric: fn.metricErrors({ period, statistic: "Sum" }),
        threshold: 1,
        alarmDescription: `${node.id} crashed, ran out of time or could not start: a bug or a bad setting.`,
      });
      this.alarm(`${node.id}Throttles`, {
        metric: fn.metricThrottles({ period, statistic: "Sum" }),
        threshold: 1,
        alarmDescription: `${node.id} was refused by Lambda: the account's concurrency is used up.`,
      });
      this.alarm(`${node.id}Slow`, {
        metric: fn.metricDuration({ period, statistic: "p99" }),
        threshold: 2_000,
        evaluationPeriods: 3,
        alarmDescription: `${node.id}: 1 in 100 takes more than 2 s; bots give up after 5 s.`,
      });
    }
    this.alarm("TableThrottles", {
      metric: sumOverOperations(table, "ThrottledRequests", period),
      threshold: 1,
      alarmDescription:
        "DynamoDB throttled the table; what the SDK's retries did not save was a 500.",
    });
    this.alarm("TableSystemErrors", {
      metric: sumOverOperations(table, "SystemErrors", period),
      threshold: 1,
      alarmDescription: "DynamoDB failed by itself; see the AWS Health Dashboard.",
    });
  }

  /** Where the alarms with these ids begin, to be drawn into a graph of what they watch. */
  thresholds(...ids: readonly string[]): HorizontalAnnotation[] {
    const values = new Set(ids.flatMap((id) => this.thresholdOf.get(id) ?? []));
    return [...values].map((value) => ({ value, label: `alarm from ${value}`, color: Color.RED }));
  }

  private alarm(
    id: string,
    props: Pick<AlarmProps, "metric" | "threshold" | "alarmDescription"> & Partial<AlarmProps>,
  ): void {
    this.thresholdOf.set(id, props.threshold);
    const alarm = new Alarm(this, id, {
      evaluationPeriods: 1,
      comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      treatMissingData: TreatMissingData.NOT_BREACHING,
      ...props,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }
}
