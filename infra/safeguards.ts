import { Duration, Validations } from "aws-cdk-lib";
import { MathExpression, Stats } from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Rule, Schedule } from "aws-cdk-lib/aws-events";
import { SfnStateMachine } from "aws-cdk-lib/aws-events-targets";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import {
  Choice,
  Condition,
  DefinitionBody,
  Fail,
  type IChainable,
  StateMachine,
  Succeed,
} from "aws-cdk-lib/aws-stepfunctions";
import { CallAwsService } from "aws-cdk-lib/aws-stepfunctions-tasks";
import { Construct } from "constructs";
import { addAlarm } from "./add-alarm.ts";
import { AlarmTopic } from "./alarm-topic.ts";

type SafeguardsProps = {
  table: TableV2;
  alarmTopic: ITopic;
  alarmEmail: string | undefined;
};

const every = Duration.hours(1);

/**
 * Looks each hour whether what would save the service is still in place: the table's protection and
 * backups, and somebody who receives the alarms. Nothing else would notice before it is needed.
 *
 * A topic can't report its own loss, so this alarm goes to a second one as well, with the same
 * address, and each is looked at. The steps need no code: Step Functions calls AWS itself.
 */
export class Safeguards extends Construct {
  constructor(scope: Construct, id: string, { table, alarmTopic, alarmEmail }: SafeguardsProps) {
    super(scope, id);
    const topics = [alarmTopic];
    if (alarmEmail !== undefined) {
      topics.push(new AlarmTopic(this, "SecondTopic", { email: alarmEmail }));
    }
    // Built from the end, because each step names the next.
    const afterTopics = topics.reduceRight<IChainable>(
      (next, topic, i) => this.receivers(topic, i + 1, next),
      new Succeed(this, "All in place"),
    );
    const machine = new StateMachine(this, "Machine", {
      definitionBody: DefinitionBody.fromChainable(this.tableIsSafe(table, afterTopics)),
      timeout: Duration.minutes(5),
    });
    Validations.of(machine).acknowledge(
      {
        id: "AwsSolutions-SF1",
        reason: "Step Functions keeps the history of each execution for 90 days by itself.",
      },
      { id: "AwsSolutions-SF2", reason: "A few calls in a row, without anything to trace." },
    );
    new Rule(this, "Hourly", {
      schedule: Schedule.rate(every),
      targets: [new SfnStateMachine(machine)],
    });
    const inEach = { period: every, statistic: Stats.SUM };
    addAlarm(this, "Alarm", topics, {
      metric: new MathExpression({
        // A run that is out of time has not looked, and doesn't count as failed.
        expression: "FILL(failed, 0) + FILL(timedOut, 0)",
        usingMetrics: {
          failed: machine.metricFailed(inEach),
          timedOut: machine.metricTimedOut(inEach),
        },
        period: every,
        label: "runs that failed or were out of time",
      }),
      threshold: 1,
      paragraph: "Safeguards",
      description:
        "The table's deletion protection or backups are off, or nobody receives the alarms. The " +
        "service runs on.",
    });
  }

  private tableIsSafe(table: TableV2, next: IChainable): IChainable {
    const parameters = { TableName: table.tableName };
    const iamResources = [table.tableArn];
    const readTable = new CallAwsService(this, "Read the table", {
      service: "dynamodb",
      action: "describeTable",
      parameters,
      iamResources,
      resultSelector: { "on.$": "$.Table.DeletionProtectionEnabled" },
    });
    const readBackups = new CallAwsService(this, "Read the backups", {
      service: "dynamodb",
      action: "describeContinuousBackups",
      parameters,
      iamResources,
      resultSelector: {
        "status.$":
          "$.ContinuousBackupsDescription.PointInTimeRecoveryDescription.PointInTimeRecoveryStatus",
      },
    });
    const areBackupsOn = new Choice(this, "Are backups on?")
      .when(Condition.stringEquals("$.status", "ENABLED"), next)
      .otherwise(
        new Fail(this, "Backups are off", {
          error: "BackupsAreOff",
          cause: "Point-in-time recovery of the table is off. Deploy, or turn it on again.",
        }),
      );
    const isProtected = new Choice(this, "Is it protected?")
      .when(Condition.booleanEquals("$.on", true), readBackups.next(areBackupsOn))
      .otherwise(
        new Fail(this, "Protection is off", {
          error: "ProtectionIsOff",
          cause: "Deletion protection of the table is off. Deploy, or turn it on again.",
        }),
      );
    return readTable.next(isProtected);
  }

  private receivers(topic: ITopic, number: number, next: IChainable): IChainable {
    const read = new CallAwsService(this, `Read topic ${number}`, {
      service: "sns",
      action: "getTopicAttributes",
      parameters: { TopicArn: topic.topicArn },
      iamResources: [topic.topicArn],
      resultSelector: { "receivers.$": "$.Attributes.SubscriptionsConfirmed" },
    });
    const anybody = new Choice(this, `Does anybody receive topic ${number}?`)
      .when(Condition.stringEquals("$.receivers", "0"), this.nobody(number))
      .otherwise(next);
    return read.next(anybody);
  }

  private nobody(number: number): Fail {
    return new Fail(this, `Nobody receives topic ${number}`, {
      error: "NobodyReceivesAlarms",
      cause: "A topic of the alarms has no confirmed subscription. Subscribe, and confirm it.",
    });
  }
}
