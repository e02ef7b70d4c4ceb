import { Duration } from "aws-cdk-lib";
import type { HttpApi } from "aws-cdk-lib/aws-apigatewayv2";
import {
  Color,
  Dashboard,
  GraphWidget,
  type IMetric,
  LogQueryVisualizationType,
  LogQueryWidget,
  MathExpression,
  Stats,
  TextWidget,
} from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Construct } from "constructs";
import type { Alarms } from "./alarms.ts";
import type { LogMetrics } from "./log-metrics.ts";
import type { RouteFunction } from "./route-function.ts";
import type { RouteName } from "./routes.ts";
import type { StackSettings } from "./stack-settings.ts";

type OperationsDashboardProps = {
  httpApi: HttpApi;
  functions: Readonly<Record<RouteName, RouteFunction>>;
  table: TableV2;
  alarms: Alarms;
  logMetrics: LogMetrics;
  settings: Pick<StackSettings, "legacyBots">;
  commit: string;
};

const period = Duration.minutes(5);
const sum = { period, statistic: Stats.SUM };

/** Heartbeats of one bot at an interval of 20 s. */
const beatsAnHour = 180;

/** The service's metrics on one page. Graphs of alarmed metrics show the thresholds. */
export class OperationsDashboard extends Construct {
  readonly dashboard: Dashboard;

  constructor(scope: Construct, id: string, props: OperationsDashboardProps) {
    super(scope, id);
    const { httpApi, table, alarms, logMetrics, settings, commit } = props;
    const functions = Object.values(props.functions);
    this.dashboard = new Dashboard(this, "Dashboard", { defaultInterval: Duration.hours(6) });

    this.dashboard.addWidgets(
      new TextWidget({ markdown: `Deployed: commit ${commit}`, width: 24, height: 1 }),
    );
    this.dashboard.addWidgets(
      graph("Requests", [httpApi.metricCount({ period })]),
      graph(
        "4xx and 5xx of the API",
        [httpApi.metricClientError(sum), httpApi.metricServerError(sum)],
        [alarms.of("Api5xx").threshold],
      ),
      graph("Latency of the API (ms)", [
        httpApi.metricLatency({ period, statistic: "p50", label: "p50" }),
        httpApi.metricLatency({ period, statistic: "p99", label: "p99" }),
      ]),
    );
    const watched = (title: string, id: string) =>
      graph(title, [alarms.of(id).metric], [alarms.of(id).threshold]);
    const ofFunctions = (title: string, alarm: string, metrics: (fn: RouteFunction) => IMetric[]) =>
      graph(
        title,
        functions.flatMap(metrics),
        functions.map(({ route }) => alarms.of(`${route.id}${alarm}`).threshold),
      );
    this.dashboard.addWidgets(
      watched("Percent of requests answered 4xx or 5xx, without waiting claims", "RefusedShare"),
      watched("Percent of claims answered 401", "ClaimsRefused"),
      watched("Requests answered 429", "TooManyRequests"),
    );
    this.dashboard.addWidgets(
      ...functions.map(({ route }) =>
        graph(`${route.id}: refusals and failures by code`, [
          logMetrics.refusalsByCode(route, period),
        ]),
      ),
    );
    this.dashboard.addWidgets(
      ofFunctions("internal_error of the functions", "InternalErrors", ({ route }) => [
        logMetrics.internalErrors(route, period).with({ label: route.id }),
      ]),
      watched("Wrong clocks", "ClockSkew"),
    );
    this.dashboard.addWidgets(
      ofFunctions("Errors of the functions", "Errors", ({ function: fn, route }) => [
        fn.metricErrors({ ...sum, label: route.id }),
      ]),
      ofFunctions("Throttles of the functions", "Throttles", ({ function: fn, route }) => [
        fn.metricThrottles({ ...sum, label: route.id }),
      ]),
      ofFunctions("Duration of the functions (ms)", "Slow", ({ function: fn, route }) => [
        fn.metricDuration({ period, statistic: "p50", label: `${route.id} p50` }),
        fn.metricDuration({ period, statistic: "p99", label: `${route.id} p99` }),
      ]),
    );
    this.dashboard.addWidgets(
      graph("Capacity units the table consumed", [
        table.metricConsumedWriteCapacityUnits({ ...sum, label: "written" }),
        table.metricConsumedReadCapacityUnits({ ...sum, label: "read" }),
      ]),
      watched("Throttles of the table", "TableThrottles"),
      watched("System errors of the table", "TableSystemErrors"),
    );
    if (settings.legacyBots) {
      this.dashboard.addWidgets(
        graph("Legacy bots, estimated", [
          new MathExpression({
            expression: `beats / ${beatsAnHour}`,
            usingMetrics: { beats: logMetrics.sum("LegacyHeartbeats", Duration.hours(1)) },
            period: Duration.hours(1),
            label: "bots without session_id",
          }),
        ]),
      );
    }
    this.dashboard.addWidgets(
      new LogQueryWidget({
        title: "The latest refusals and failures",
        logGroupNames: functions.map(({ logGroup }) => logGroup.logGroupName),
        view: LogQueryVisualizationType.TABLE,
        queryLines: latestRefusals,
        width: 24,
        height: 8,
      }),
    );
  }
}

/** @param thresholds of the alarms that watch these metrics */
function graph(title: string, left: IMetric[], thresholds: readonly number[] = []) {
  const leftAnnotations = [...new Set(thresholds)].map((value) => ({
    value,
    label: `alarm from ${value}`,
    color: Color.RED,
  }));
  return new GraphWidget({ title, left, leftAnnotations, leftYAxis: { min: 0 }, width: 8 });
}

/** The first query of the runbook, `docs/alarms.md`. */
const latestRefusals = [
  "fields @timestamp, message.code, message.status, message.field, message.symbol, message.license_id, message.device, message.request_id",
  "filter ispresent(message.code)",
  "sort @timestamp desc",
  "limit 50",
];
