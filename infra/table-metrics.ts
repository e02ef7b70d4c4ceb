import type { Duration } from "aws-cdk-lib";
import { MathExpression } from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";

/** The operations that the functions may perform on the table. */
const operations = ["GetItem", "UpdateItem"] as const;

/**
 * The sum of a metric of the table over the operations of the functions.
 *
 * DynamoDB reports errors per operation, and only when they occur. A sum with a missing term is
 * itself missing, and no alarm would see it, so each term is filled with 0.
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
