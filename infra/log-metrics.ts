import { type Duration, Stack } from "aws-cdk-lib";
import { type IMetric, MathExpression, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import {
  FilterPattern,
  type ILogGroup,
  type JsonPattern,
  MetricFilter,
} from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { RouteFunction } from "./route-function.ts";

type LogMetricsProps = {
  functions: readonly RouteFunction[];
  /** The API's access log, in the format of `sessions-api.ts`. */
  accessLog: ILogGroup;
};

/**
 * Where Lambda's JSON log format puts an object that a function logs (see
 * `lambdas/http/answer-request.ts`).
 */
const logged = "$.message";
const code = `${logged}.code`;
/** How many heartbeats one logged heartbeat of a legacy bot stands for. */
const weight = `${logged}.weight`;

/** Metrics counted from existing log lines, so that the functions need no code for metrics. */
export class LogMetrics extends Construct {
  private readonly namespace: string;

  constructor(scope: Construct, id: string, { functions, accessLog }: LogMetricsProps) {
    super(scope, id);
    this.namespace = Stack.of(this).stackName;
    for (const { logGroup, node } of functions) {
      // Includes failures, whose code is `internal_error`.
      this.count(`${node.id}Refusals`, logGroup, FilterPattern.exists(code), { Code: code });
      const skewed = FilterPattern.stringValue(`${logged}.error.code`, "=", "clock_skew");
      this.count("ClockSkew", logGroup, skewed, {}, node.id);
      if (node.id === "Validate") {
        const badLicense = FilterPattern.numberValue(`${logged}.status`, "=", 401);
        this.count("ClaimsRefused", logGroup, badLicense);
      }
      if (node.id === "Heartbeat") {
        new MetricFilter(this, "LegacyHeartbeats", {
          logGroup,
          // CloudWatch can only use a field as the value if the pattern mentions it.
          filterPattern: FilterPattern.all(
            FilterPattern.booleanValue(`${logged}.legacy`, true),
            FilterPattern.numberValue(weight, ">", 0),
          ),
          metricNamespace: this.namespace,
          metricName: "LegacyHeartbeats",
          metricValue: weight,
        });
      }
    }
    const throttled = FilterPattern.stringValue("$.status", "=", "429");
    this.count("TooManyRequests", accessLog, throttled);
  }

  /** One line for each code of the function's refusals and failures, found by search. */
  refusalsByCode(functionId: string, period: Duration): IMetric {
    const schema = `{"${this.namespace}",Code}`;
    return new MathExpression({
      expression: `SEARCH('${schema} MetricName="${functionId}Refusals"', 'Sum', ${period.toSeconds()})`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudWatch fills it in
      label: "${PROP('Dim.Code')}",
      period,
    });
  }

  /** Requests that the function answered `internal_error`. */
  internalErrors(functionId: string, period: Duration): Metric {
    return this.sum(`${functionId}Refusals`, period, { Code: "internal_error" });
  }

  /**
   * Requests that a function refused because its clock is wrong; see
   * `lambdas/store/clock-skew.ts`.
   */
  clockSkew(period: Duration): IMetric {
    return this.sum("ClockSkew", period);
  }

  /** Claims answered 401, because the license is unknown or has ended. */
  claimsRefused(period: Duration): IMetric {
    return this.sum("ClaimsRefused", period);
  }

  /** Requests that API Gateway answered 429. */
  tooManyRequests(period: Duration): IMetric {
    return this.sum("TooManyRequests", period);
  }

  /** Heartbeats without `session_id`, estimated from the sample that is logged. */
  legacyHeartbeats(period: Duration): IMetric {
    return this.sum("LegacyHeartbeats", period);
  }

  private count(
    metricName: string,
    logGroup: ILogGroup,
    filterPattern: JsonPattern,
    dimensions: Record<string, string> = {},
    filterId = "",
  ): void {
    new MetricFilter(this, `${metricName}${filterId}`, {
      logGroup,
      filterPattern,
      metricNamespace: this.namespace,
      metricName,
      metricValue: "1",
      ...(Object.keys(dimensions).length > 0 && { dimensions }),
    });
  }

  private sum(metricName: string, period: Duration, dimensionsMap = {}): Metric {
    const { namespace } = this;
    return new Metric({ namespace, metricName, dimensionsMap, statistic: Stats.SUM, period });
  }
}
