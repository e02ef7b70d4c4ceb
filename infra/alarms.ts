import { Annotations, Duration } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import {
  ComparisonOperator,
  MathExpression,
  Stats,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import { type AlarmOptions, addAlarm } from "./add-alarm.ts";
import { AlarmTopic } from "./alarm-topic.ts";
import type { LogMetrics } from "./log-metrics.ts";
import type { RouteFunction } from "./route-function.ts";
import type { RouteName } from "./routes.ts";
import type { StackSettings } from "./stack-settings.ts";

type AlarmsProps = {
  httpApi: HttpApi;
  functions: Readonly<Record<RouteName, RouteFunction>>;
  table: TableV2;
  logMetrics: LogMetrics;
  settings: Pick<StackSettings, "alarmEmail" | "noTrafficAlarmMinutes">;
};

const period = Duration.minutes(5);
const sum = { period, statistic: Stats.SUM };
const minute = { period: Duration.minutes(1) };

/**
 * The alarms, and the topic that is notified when an alarm starts or clears.
 *
 * `test/infra/alarms.test.ts` shows which metric data sets off each alarm. `docs/alarms.md` says
 * what to do about it.
 */
export class Alarms extends Construct {
  readonly topic: AlarmTopic;
  private readonly watched = new Map<string, Pick<AlarmOptions, "metric" | "threshold">>();

  constructor(scope: Construct, id: string, props: AlarmsProps) {
    super(scope, id);
    const { httpApi, functions, table, logMetrics, settings } = props;
    this.topic = new AlarmTopic(this, "Topic", { email: settings.alarmEmail });
    if (settings.alarmEmail === undefined) {
      Annotations.of(this).addWarningV2(
        "license-sessions:alarmEmail",
        "Nobody is notified of alarms: set alarmEmail under context in cdk.json.",
      );
    }

    this.alarm("Api5xx", {
      metric: httpApi.metricServerError(sum),
      threshold: 5,
      description:
        "5 or more requests were answered 5xx within 5 minutes. Either heartbeats are refused (the " +
        "session was taken, replaced or ended) or the service fails.",
    });
    this.alarm("RefusedShare", {
      metric: new MathExpression({
        expression:
          "IF(FILL(c, 0) + FILL(s, 0) - FILL(w, 0) >= 5, " +
          "100 * (FILL(c, 0) + FILL(s, 0) - FILL(w, 0)) / (n - FILL(w, 0)), 0)",
        usingMetrics: {
          c: httpApi.metricClientError(minute),
          s: httpApi.metricServerError(minute),
          // A bot that waits for its turn, or a program that watches, asks again and again.
          w: logMetrics.sum("ClaimsInConflict", minute.period),
          n: httpApi.metricCount(minute),
        },
        ...minute,
        label: "percent answered 4xx or 5xx, without the 403s of claims",
      }),
      threshold: 25,
      description:
        "25 % or more of a minute's requests were answered 4xx or 5xx, the 403s of claims left out: " +
        "the table is empty or the wrong one, a deploy is bad, or one caller sends far too many requests.",
    });
    this.alarm("ClaimsRefused", {
      metric: new MathExpression({
        expression: "IF(FILL(r, 0) >= 5, 100 * FILL(r, 0) / n, 0)",
        usingMetrics: {
          r: logMetrics.sum("ClaimsRefused", period),
          n: logMetrics.sum("ClaimsAnswered", period),
        },
        period,
        label: "percent of claims answered 401",
      }),
      threshold: 50,
      description:
        "At least half of the claims within 5 minutes were answered 401, license unknown or ended: " +
        "licenses are missing, somebody is guessing keys, or one bot restarts in a loop.",
    });
    this.alarm("TooManyRequests", {
      metric: logMetrics.sum("TooManyRequests", period),
      threshold: 10,
      description:
        "API Gateway answered 10 or more requests with 429 within 5 minutes: there are more bots than " +
        "the throttle of a route lets in, or one caller is flooding it.",
    });
    this.alarm("ClockSkew", {
      metric: logMetrics.sum("ClockSkew", period),
      threshold: 1,
      description:
        "The clock of a function was wrong. It answers 500 until it is right again, and grants nothing.",
    });
    const { noTrafficAlarmMinutes } = settings;
    if (noTrafficAlarmMinutes !== undefined) {
      this.alarm("NoTraffic", {
        metric: httpApi.metricCount({ period }),
        threshold: 1,
        comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
        evaluationPeriods: noTrafficAlarmMinutes / period.toMinutes(),
        treatMissingData: TreatMissingData.BREACHING,
        description:
          `No request at all came for ${noTrafficAlarmMinutes} minutes: the address leads nowhere, ` +
          "the certificate has expired, or every bot has stopped.",
      });
    }
    for (const { function: fn, route } of Object.values(functions)) {
      this.alarm(`${route.id}InternalErrors`, {
        metric: logMetrics.internalErrors(route, period),
        threshold: route.internalErrorsAlarmFrom,
        paragraph: "InternalErrors",
        description:
          `${route.id} answered internal_error: storage failed or was too slow, or there is a bug. ` +
          "Nothing was confirmed.",
      });
      this.alarm(`${route.id}Errors`, {
        metric: fn.metricErrors(sum),
        threshold: 1,
        paragraph: "Errors",
        description: `${route.id} crashed, ran out of time or could not start: a bug or a bad setting.`,
      });
      this.alarm(`${route.id}Throttles`, {
        metric: fn.metricThrottles(sum),
        threshold: 1,
        paragraph: "Throttles",
        description: `Lambda refused to run ${route.id}: the account's concurrency is used up.`,
      });
      this.alarm(`${route.id}Slow`, {
        metric: fn.metricDuration({ period, statistic: "p99" }),
        threshold: 2_000,
        evaluationPeriods: 3,
        paragraph: "Slow",
        description: `${route.id}: 1 request in 100 takes more than 2 s; bots give up after 5 s.`,
      });
    }
    this.alarm("TableThrottles", {
      metric: sumOverOperations(table, "ThrottledRequests"),
      threshold: 1,
      description:
        "DynamoDB throttled a function's request. If the SDK's retries failed too, the bot got a 500.",
    });
    this.alarm("TableSystemErrors", {
      metric: sumOverOperations(table, "SystemErrors"),
      threshold: 1,
      description: "DynamoDB itself failed; see the AWS Health Dashboard.",
    });
  }

  /** What the alarm with this id watches. */
  of(id: string): Pick<AlarmOptions, "metric" | "threshold"> {
    const found = this.watched.get(id);
    if (found === undefined) throw new Error(`There is no alarm ${id}`);
    return found;
  }

  private alarm(id: string, options: AlarmOptions): void {
    this.watched.set(id, options);
    addAlarm(this, id, [this.topic], options);
  }
}

/** The operations that the functions may perform on the table. */
const operations = ["GetItem", "UpdateItem"] as const;

/**
 * The sum of a metric of the table over the operations of the functions.
 *
 * DynamoDB reports errors per operation, and only when they occur. A sum with a missing term is
 * itself missing, and no alarm would see it, so each term is filled with 0.
 */
function sumOverOperations(table: TableV2, metricName: "ThrottledRequests" | "SystemErrors") {
  const usingMetrics = Object.fromEntries(
    operations.map((operation) => [
      operation.toLowerCase(),
      table.metric(metricName, {
        ...sum,
        dimensionsMap: { TableName: table.tableName, Operation: operation },
      }),
    ]),
  );
  const filled = Object.keys(usingMetrics).map((id) => `FILL(${id}, 0)`);
  return new MathExpression({
    expression: filled.join(" + "),
    usingMetrics,
    period,
    label: metricName,
  });
}
