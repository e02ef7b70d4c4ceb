import type { Duration } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";

/** What the functions are granted on the table. */
const operations = ["GetItem", "UpdateItem"] as const;

/**
 * The sum of a metric of the table over the operations of the functions.
 *
 * DynamoDB reports errors per operation, and only when there are any. So each part is filled: a sum
 * of which one part is missing is missing itself, and no alarm ever sees it.
 */
export function sumOverOperations(
  table: TableV2,
  metricName: "ThrottledRequests" | "SystemErrors",
  period: Duration,
): MathExpression {
  const usingMetrics = Object.fromEntries(
    operations.map((operation) => [
      operation.toLowerCase(),
      table.metric(metricName, {
        dimensionsMap: { TableName: table.tableName, Operation: operation },
        statistic: "Sum",
        period,
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
