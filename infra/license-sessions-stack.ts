import { CfnOutput, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Alarms } from "./alarms.ts";
import { SessionsApi } from "./sessions-api.ts";
import { SessionsTable } from "./sessions-table.ts";
import type { Settings } from "./settings.ts";

/** The whole service: table, API with its functions, alarms. */
export class LicenseSessionsStack extends Stack {
  constructor(scope: Construct, id: string, settings: Settings) {
    super(scope, id, {
      description: "License sessions: one device at a time per license key and symbol",
    });
    const { table } = new SessionsTable(this, "Sessions");
    const { httpApi, functions } = new SessionsApi(this, "Api", table, settings);
    const { topic } = new Alarms(this, "Alarms", {
      httpApi,
      functions,
      table,
      email: settings.alarmEmail,
    });

    new CfnOutput(this, "ApiUrl", {
      value: httpApi.apiEndpoint,
      description: "Where bots send requests",
    });
    new CfnOutput(this, "TableName", { value: table.tableName, description: "The licenses" });
    new CfnOutput(this, "AlarmTopicArn", { value: topic.topicArn, description: "Tells of alarms" });
  }
}
