import { compileFunction } from "node:vm";
import type { Template } from "aws-cdk-lib/assertions";
import { routes } from "../../infra/routes.ts";

/** Figures, oldest first; undefined where CloudWatch has none. */
type Series = readonly (number | undefined)[];

/**
 * What CloudWatch has of each metric, a figure a minute. A metric is named as in `API 5xx`,
 * `HeartbeatRefusals internal_error`, `Heartbeat Duration p99` or `Sessions UpdateItem SystemErrors`;
 * one that is not named has no data.
 */
export type MetricData = Readonly<Record<string, Series>>;

/** The ids of the stack's alarms, such as `Api5xx`, that such data sets off, in order of the alphabet. */
export function alarmsSetOff(template: Template, data: MetricData): string[] {
  const resources = Object.entries(template.findResources("AWS::CloudWatch::Alarm"));
  const alarms = resources.map(([id, { Properties }]): [string, Alarm] => [id, Properties]);
  const known = alarms.flatMap(([, alarm]) => metricsOf(alarm).map(({ name }) => name));
  const mistyped = Object.keys(data).filter((name) => !known.includes(name));
  if (mistyped.length > 0) throw new Error(`No alarm watches ${mistyped.join(", ")}`);
  const set = alarms.filter(([, alarm]) => isInAlarm(alarm, data));
  return set.map(([id]) => alarmName(id)).sort();
}

/** The name of an alarm within the stack. */
export function alarmName(logicalId: string): string {
  return logicalId.replace(/^Alarms|Alarm(?=[0-9A-F]{8}$)/, "").replace(/[0-9A-F]{8}$/, "");
}

type Metric = {
  MetricName: string;
  Namespace: string;
  Dimensions?: { Name: string; Value: unknown }[];
};
type Alarm = Metric & {
  Period: number;
  Statistic?: string;
  ExtendedStatistic?: string;
  Metrics?: {
    Id: string;
    Expression?: string;
    MetricStat?: { Metric: Metric; Period: number; Stat: string };
  }[];
  Threshold: number;
  EvaluationPeriods: number;
  DatapointsToAlarm?: number;
  ComparisonOperator: string;
  TreatMissingData: string;
};

/** Whether the most recent evaluation periods all breach. */
function isInAlarm(alarm: Alarm, data: MetricData): boolean {
  const { Threshold, EvaluationPeriods, DatapointsToAlarm, ComparisonOperator } = alarm;
  if (DatapointsToAlarm !== undefined) throw new Error("DatapointsToAlarm is not known here");
  const metrics = metricsOf(alarm);
  const expression = alarm.Metrics?.find(({ Expression }) => Expression)?.Expression ?? "only";
  return Array.from({ length: EvaluationPeriods }, (_, periodsAgo) => {
    const figures = metrics.map(({ id, name, stat, seconds }): [string, number] => [
      id,
      figureOf(data[name] ?? [], stat, seconds / 60, periodsAgo),
    ]);
    const figure = evaluate(expression, Object.fromEntries(figures));
    if (!Number.isFinite(figure)) return alarm.TreatMissingData === "breaching";
    if (ComparisonOperator === "LessThanThreshold") return figure < Threshold;
    if (ComparisonOperator === "GreaterThanOrEqualToThreshold") return figure >= Threshold;
    throw new Error(`${ComparisonOperator} is not known here`);
  }).every(Boolean);
}

/**
 * Evaluates an expression of CloudWatch metric math for one period. What the alarms use of it means
 * the same in JavaScript, with NaN for a missing figure, except for a comparison with one: it is
 * false here, and missing in CloudWatch, which no alarm of these takes for breaching.
 *
 * @returns not finite if the result is missing, as it is where it would be divided by zero
 * @throws Error on anything else, so that no alarm is judged by a wrong reading of its expression
 * @see https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
 */
function evaluate(expression: string, figures: Readonly<Record<string, number>>): number {
  if (!/^(?:[\w\s(),+*/-]|[<>]=?)+$/.test(expression))
    throw new Error(`${expression} has more in it than is known here`);
  const names = {
    FILL: (figure: number, missing: number) => (Number.isNaN(figure) ? missing : figure),
    IF: (isSo: boolean, then: number, otherwise: number) => (isSo ? then : otherwise),
    ...figures,
  };
  return compileFunction(`return ${expression}`, Object.keys(names))(...Object.values(names));
}

/** The statistic of one period, of figures a minute; NaN if it has none. */
function figureOf(minutes: Series, stat: string, ofMinutes: number, periodsAgo: number): number {
  const end = minutes.length - periodsAgo * ofMinutes;
  const inside = minutes
    .slice(Math.max(0, end - ofMinutes), Math.max(0, end))
    .filter((figure) => figure !== undefined);
  if (inside.length === 0) return Number.NaN;
  // A percentile of the whole period lies somewhere up to its greatest figure.
  if (stat.startsWith("p")) return Math.max(...inside);
  const sum = inside.reduce((total, figure) => total + figure, 0);
  return stat === "Average" ? sum / inside.length : sum;
}

function metricsOf(alarm: Alarm) {
  const { Period, Statistic, ExtendedStatistic = "", Metrics } = alarm;
  const only = { Metric: alarm, Period, Stat: Statistic ?? ExtendedStatistic };
  return (Metrics ?? [{ Id: "only", MetricStat: only }]).flatMap(({ Id, MetricStat }) => {
    if (MetricStat === undefined) return [];
    const { Metric, Period: seconds, Stat: stat } = MetricStat;
    return [{ id: Id, name: nameOf(Metric, stat), stat, seconds }];
  });
}

function nameOf({ Namespace, MetricName, Dimensions = [] }: Metric, stat: string): string {
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
  switch (Namespace) {
    case "AWS/ApiGateway":
      return `API ${MetricName}`;
    case "AWS/DynamoDB":
      return `${(dimensions.TableName as { Ref: string }).Ref} ${dimensions.Operation} ${MetricName}`;
    case "AWS/CloudFront":
      return `CloudFront ${MetricName}`;
    case "AWS/States":
      return `Safeguards ${MetricName}`;
    case "AWS/Lambda": {
      const text = JSON.stringify(dimensions);
      const route = Object.values(routes).find(({ id }) => text.includes(id));
      const percentile = stat.startsWith("p") ? ` ${stat}` : "";
      return `${route?.id ?? "LapseEvents"} ${MetricName}${percentile}`;
    }
    default:
      return [MetricName, dimensions.Code].filter(Boolean).join(" ");
  }
}
