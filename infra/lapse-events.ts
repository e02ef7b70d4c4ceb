import { Duration } from "aws-cdk-lib";
import { ComparisonOperator, Stats, TreatMissingData } from "aws-cdk-lib/aws-cloudwatch";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { EventBus, Rule, Schedule } from "aws-cdk-lib/aws-events";
import { LambdaFunction } from "aws-cdk-lib/aws-events-targets";
import type { ITopic } from "aws-cdk-lib/aws-sns";
import { Construct } from "constructs";
import { addAlarm } from "./add-alarm.ts";
import { ServiceFunction } from "./service-function.ts";
import type { StackSettings } from "./stack-settings.ts";

type LapseEventsProps = {
  table: TableV2;
  alarmTopic: ITopic;
  settings: Pick<StackSettings, "logRetentionDays">;
};

/** The file of `lambdas/` that finds the sessions. */
export const lapseEventsEntry = "lapse-events-handler.ts";

const period = Duration.minutes(5);

/**
 * Reports sessions that lapsed as events, each minute: a function reads through the table and puts
 * an event for each on a bus of its own. Whoever wants to be told adds a rule to that bus.
 */
export class LapseEvents extends Construct {
  readonly bus: EventBus;

  constructor(scope: Construct, id: string, { table, alarmTopic, settings }: LapseEventsProps) {
    super(scope, id);
    this.bus = new EventBus(this, "Bus");
    const finder = new ServiceFunction(this, "Finder", {
      entry: lapseEventsEntry,
      table,
      tableActions: ["dynamodb:Scan"],
      // A run that is not over when the next begins would only repeat its events.
      timeout: Duration.seconds(55),
      logRetentionDays: settings.logRetentionDays,
      environment: {
        EVENT_BUS_NAME: this.bus.eventBusName,
        // Its errors are logged by Lambda. The names in the bundle are minified.
        NODE_OPTIONS: "--enable-source-maps",
      },
    });
    this.bus.grantPutEventsTo(finder.function, "PutLapseEvents");
    // The scheduled time in the event says which minute a run is for, also when it is repeated.
    new Rule(this, "EveryMinute", {
      schedule: Schedule.rate(Duration.minutes(1)),
      targets: [new LambdaFunction(finder.function)],
    });
    const paragraph = "LapseEvents";
    addAlarm(this, "Errors", [alarmTopic], {
      metric: finder.function.metricErrors({ period, statistic: Stats.SUM }),
      threshold: 1,
      paragraph,
      description: "A run that reports lapsed sessions failed. It is repeated twice.",
    });
    addAlarm(this, "Missing", [alarmTopic], {
      metric: finder.function.metricInvocations({ period, statistic: Stats.SUM }),
      threshold: 1,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      treatMissingData: TreatMissingData.BREACHING,
      evaluationPeriods: 2,
      paragraph,
      description: "For 10 minutes no run reported lapsed sessions.",
    });
  }
}
