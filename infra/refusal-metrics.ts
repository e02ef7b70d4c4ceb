import { type Duration, Stack } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import { FilterPattern, MetricFilter } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import type { RouteFunction } from "./route-function.ts";

export type RefusalMetricsProps = { functions: readonly RouteFunction[] };

/** Where Lambda's JSON log format has what a function logs with one object (see `lambdas/http.ts`). */
const code = "$.message.code";

/**
 * What the functions refuse or fail at, by `code`, counted from their log lines: a metric for each
 * function, with a value of the dimension `Code` for each code that has occurred.
 */
export class RefusalMetrics extends Construct {
  private readonly namespace: string;

  constructor(scope: Construct, id: string, { functions }: RefusalMetricsProps) {
    super(scope, id);
    this.namespace = Stack.of(this).stackName;
    for (const { logGroup, node } of functions) {
      new MetricFilter(this, node.id, {
        logGroup,
        filterPattern: FilterPattern.exists(code),
        metricNamespace: this.namespace,
        metricName: metricName(node.id),
        metricValue: "1",
        dimensions: { Code: code },
      });
    }
  }

  /** A line for each code with which the function has refused or failed, whichever they are. */
  byCode(functionId: string, period: Duration): MathExpression {
    const schema = `{"${this.namespace}",Code}`;
    return new MathExpression({
      expression: `SEARCH('${schema} MetricName="${metricName(functionId)}"', 'Sum', ${period.toSeconds()})`,
      // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudWatch fills it in
      label: "${PROP('Dim.Code')}",
      period,
    });
  }
}

function metricName(functionId: string): string {
  return `${functionId}Refusals`;
}
