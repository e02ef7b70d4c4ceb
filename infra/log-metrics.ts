import { type Duration, Stack } from "aws-cdk-lib";
import { type IMetric, MathExpression, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import {
  FilterPattern,
  type ILogGroup,
  type JsonPattern,
  MetricFilter,
  type MetricFilterProps,
} from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { RouteFunction } from "./route-function.ts";
import type { Route, RouteName } from "./routes.ts";

type LogMetricsProps = {
  functions: Readonly<Record<RouteName, RouteFunction>>;
  /** The API's access log, in the format of `sessions-api.ts`. */
  accessLog: ILogGroup;
};

/**
 * Where Lambda's JSON log format puts an object that a function logs (see
 * `lambdas/http/handle-request.ts`).
 */
const logged = "$.message";
const code = `${logged}.code`;
/** How many heartbeats one logged heartbeat of a legacy bot stands for. */
const weight = `${logged}.weight`;

type Counted =
  /** Requests that a function refused or failed to answer, by code. */
  | `${Route["id"]}Refusals`
  /** Requests that a function refused because its clock is wrong; see `lambdas/rules/clock-skew.ts`. */
  | "ClockSkew"
  /** Claims answered 401, because the license is unknown or has ended. */
  | "ClaimsRefused"
  /** Claims that were granted, refused or failed. Checks are not counted. */
  | "ClaimsAnswered"
  /** Claims and checks answered 403: another device holds the symbol, or no seat is left. */
  | "ClaimsInConflict"
  /** Requests that API Gateway answered 429. */
  | "TooManyRequests"
  /** Heartbeats without `session_id`, estimated from the sample that is logged. */
  | "LegacyHeartbeats";

/** Metrics counted from existing log lines, so that the functions need no code for metrics. */
export class LogMetrics extends Construct {
  private readonly namespace: string;

  constructor(scope: Construct, id: string, { functions, accessLog }: LogMetricsProps) {
    super(scope, id);
    this.namespace = Stack.of(this).stackName;
    for (const { logGroup, route } of Object.values(functions)) {
      // Includes failures, whose code is `internal_error`.
      this.count(`${route.id}Refusals`, logGroup, FilterPattern.exists(code), {
        dimensions: { Code: code },
      });
      const skewed = FilterPattern.stringValue(`${logged}.error.code`, "=", "clock_skew");
      this.count("ClockSkew", logGroup, skewed, { id: route.id });
    }
    const badLicense = FilterPattern.numberValue(`${logged}.status`, "=", 401);
    const { logGroup: claimLog } = functions.claim;
    this.count("ClaimsRefused", claimLog, badLicense);
    // Granted or refused. A check leaves no line, so that a program that watches dilutes nothing.
    const granted = FilterPattern.stringValue(`${logged}.event`, "=", "session_claimed");
    this.count("ClaimsAnswered", claimLog, granted, { id: "Granted" });
    this.count("ClaimsAnswered", claimLog, FilterPattern.exists(code), { id: "Refused" });
    // CloudWatch can only use a field as the value if the pattern mentions it.
    const weighed = FilterPattern.all(
      FilterPattern.booleanValue(`${logged}.legacy`, true),
      FilterPattern.numberValue(weight, ">", 0),
    );
    this.count("LegacyHeartbeats", functions.heartbeat.logGroup, weighed, { metricValue: weight });
    const throttled = FilterPattern.stringValue("$.status", "=", "429");
    this.count("TooManyRequests", accessLog, throttled);
    // From the access log, because a check, which is no refusal, leaves no line of the function.
    const conflict = FilterPattern.all(
      FilterPattern.stringValue("$.routeKey", "=", `POST ${functions.claim.route.path}`),
      FilterPattern.stringValue("$.status", "=", "403"),
    );
    this.count("ClaimsInConflict", accessLog, conflict);
  }

  /** One line for each code of the function's refusals and failures, found by search. */
  refusalsByCode({ id }: Route, period: Duration): IMetric {
    const schema = `{"${this.namespace}",Code}`;
    return new MathExpression({
      expression: `SEARCH('${schema} MetricName="${id}Refusals"', 'Sum', ${period.toSeconds()})`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudWatch fills it in
      label: "${PROP('Dim.Code')}",
      period,
    });
  }

  /** Requests that the function answered `internal_error`. */
  internalErrors({ id }: Route, period: Duration): Metric {
    return this.sum(`${id}Refusals`, period, { Code: "internal_error" });
  }

  sum(metricName: Counted, period: Duration, dimensionsMap = {}): Metric {
    const { namespace } = this;
    return new Metric({ namespace, metricName, dimensionsMap, statistic: Stats.SUM, period });
  }

  private count(
    metricName: Counted,
    logGroup: ILogGroup,
    filterPattern: JsonPattern,
    { id = "", ...more }: Partial<MetricFilterProps> & { id?: string } = {},
  ): void {
    new MetricFilter(this, `${metricName}${id}`, {
      logGroup,
      filterPattern,
      metricNamespace: this.namespace,
      metricName,
      metricValue: "1",
      ...more,
    });
  }
}
