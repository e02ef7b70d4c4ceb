import {
  Alarm,
  type AlarmProps,
  ComparisonOperator,
  TreatMissingData,
} from "aws-cdk-lib/aws-cloudwatch";
import { SnsAction } from "aws-cdk-lib/aws-cloudwatch-actions";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";

export type AlarmOptions = Pick<AlarmProps, "metric" | "threshold"> &
  Partial<AlarmProps> & {
    description: string;
    /** The heading in `docs/alarms.md`, if it is not the alarm's own name. */
    paragraph?: string;
  };

/** Adds an alarm that publishes to the topics when it starts and when it clears. */
export function addAlarm(
  scope: Construct,
  id: string,
  topics: readonly ITopic[],
  { description, paragraph = id, ...props }: AlarmOptions,
): void {
  const alarm = new Alarm(scope, id, {
    evaluationPeriods: 1,
    comparisonOperator: ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    alarmDescription: `${description} Runbook: docs/alarms.md#${paragraph.toLowerCase()}`,
    ...props,
  });
  for (const topic of topics) {
    alarm.addAlarmAction(new SnsAction(topic));
    alarm.addOkAction(new SnsAction(topic));
  }
}
