import type { Template } from "aws-cdk-lib/assertions";
import * as z from "zod";
import { routes } from "../../infra/routes.ts";
import { evaluateMetricMath, type Series } from "./metric-math.ts";

/**
 * What CloudWatch has of each metric, a figure a minute, oldest first. A metric is named as in
 * `API 5xx`, `HeartbeatRefusals internal_error`, `Heartbeat Errors` or `Table UpdateItem SystemErrors`;
 * one that is not named has no data.
 */
export type MetricData = Readonly<Record<string, Series>>;

/** The ids of the stack's alarms, such as `Api5xx`, that such data sets off, in order of the alphabet. */
export function alarmsSetOff(template: Template, data: MetricData): string[] {
  const known = new Set<string>();
  const set: string[] = [];
  for (const [id, { Properties }] of Object.entries(
    template.findResources("AWS::CloudWatch::Alarm"),
  )) {
    const alarm = alarmSchema.parse(Properties);
    for (const { name } of metricsOf(alarm)) known.add(name);
    if (isInAlarm(alarm, data)) set.push(alarmName(id));
  }
  const mistyped = Object.keys(data).filter((name) => !known.has(name));
  if (mistyped.length > 0) throw new Error(`No alarm watches ${mistyped.join(", ")}`);
  return set.sort();
}

/** The name of an alarm within the stack. */
export function alarmName(logicalId: string): string {
  return logicalId.replace(/^Alarms|Alarm(?=[0-9A-F]{8}$)/, "").replace(/[0-9A-F]{8}$/, "");
}

/**
 * Whether the most recent evaluation periods all breach. That is all these alarms ask for: none has
 * `DatapointsToAlarm`.
 */
function isInAlarm(alarm: Alarm, data: MetricData): boolean {
  const metrics = metricsOf(alarm);
  const periodMinutes = (metrics[0]?.Period ?? 0) / 60;
  const series = Object.fromEntries(
    metrics.map(({ id, name, stat }) => [
      id,
      perPeriod(data[name] ?? [], stat, periodMinutes, alarm.EvaluationPeriods),
    ]),
  );
  const expression =
    alarm.Metrics?.find(({ Expression }) => Expression)?.Expression ?? metrics[0]?.id ?? "";
  const figures = evaluateMetricMath(expression, series, alarm.EvaluationPeriods);
  return figures.every((figure) => {
    if (figure === undefined) return alarm.TreatMissingData === "breaching";
    return alarm.ComparisonOperator === "LessThanThreshold"
      ? figure < alarm.Threshold
      : figure >= alarm.Threshold;
  });
}

/** The last `count` periods of figures a minute. */
function perPeriod(minutes: Series, stat: string, periodMinutes: number, count: number): Series {
  return Array.from({ length: count }, (_, i) => {
    const end = minutes.length - (count - 1 - i) * periodMinutes;
    const inside = minutes
      .slice(Math.max(0, end - periodMinutes), Math.max(0, end))
      .filter((figure) => figure !== undefined);
    if (inside.length === 0) return undefined;
    // A percentile of the whole period lies somewhere up to its greatest figure.
    if (stat.startsWith("p")) return Math.max(...inside);
    const sum = inside.reduce((total, figure) => total + figure, 0);
    return stat === "Average" ? sum / inside.length : sum;
  });
}

const dimensionsSchema = z.array(z.object({ Name: z.string(), Value: z.unknown() })).default([]);
const metricSchema = z.object({
  MetricName: z.string(),
  Namespace: z.string(),
  Dimensions: dimensionsSchema,
});
const alarmSchema = z.object({
  ...metricSchema.partial().shape,
  Period: z.number().optional(),
  Statistic: z.string().optional(),
  ExtendedStatistic: z.string().optional(),
  Metrics: z
    .array(
      z.object({
        Id: z.string(),
        Expression: z.string().optional(),
        MetricStat: z
          .object({ Metric: metricSchema, Period: z.number(), Stat: z.string() })
          .optional(),
      }),
    )
    .optional(),
  Threshold: z.number(),
  EvaluationPeriods: z.number(),
  DatapointsToAlarm: z.undefined().optional(),
  ComparisonOperator: z.enum(["GreaterThanOrEqualToThreshold", "LessThanThreshold"]),
  TreatMissingData: z.enum(["breaching", "notBreaching"]),
});

type Alarm = z.infer<typeof alarmSchema>;

function metricsOf(alarm: Alarm) {
  if (alarm.Metrics === undefined) {
    const { Period, Statistic, ExtendedStatistic } = alarm;
    const stat = z.string().parse(Statistic ?? ExtendedStatistic);
    return [{ id: "only", name: nameOf(metricSchema.parse(alarm)), stat, Period }];
  }
  return alarm.Metrics.flatMap(({ Id, MetricStat }) =>
    MetricStat === undefined
      ? []
      : [
          {
            id: Id,
            name: nameOf(MetricStat.Metric),
            stat: MetricStat.Stat,
            Period: MetricStat.Period,
          },
        ],
  );
}

function nameOf({ Namespace, MetricName, Dimensions }: z.infer<typeof metricSchema>): string {
  const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, Value]));
  switch (Namespace) {
    case "AWS/ApiGateway":
      return `API ${MetricName}`;
    case "AWS/DynamoDB":
      return `Table ${dimensions.Operation} ${MetricName}`;
    case "AWS/CloudFront":
      return `CloudFront ${MetricName}`;
    case "AWS/States":
      return `Safeguards ${MetricName}`;
    case "AWS/Lambda": {
      const text = JSON.stringify(dimensions);
      const route = Object.values(routes).find(({ id }) => text.includes(id));
      return `${route?.id ?? "LapseEvents"} ${MetricName}`;
    }
    default:
      return [MetricName, dimensions.Code].filter(Boolean).join(" ");
  }
}
