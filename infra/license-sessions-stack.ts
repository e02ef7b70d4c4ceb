import { CfnOutput, Stack } from "aws-cdk-lib";
import type { Construct } from "constructs";
import { Alarms } from "./alarms.ts";
import { OperationsDashboard } from "./operations-dashboard.ts";
import { RefusalMetrics } from "./refusal-metrics.ts";
import { SessionsApi } from "./sessions-api.ts";
import { SessionsTable } from "./sessions-table.ts";
import type { StackSettings } from "./stack-settings.ts";

/** The whole service: table, API with its functions, alarms, dashboard. */
export class LicenseSessionsStack extends Stack {
  constructor(scope: Construct, id: string, settings: StackSettings) {
    super(scope, id, {
      description: "License sessions: one device at a time per license key and symbol",
    });
    const { table } = new SessionsTable(this, "Sessions");
    const { httpApi, functions } = new SessionsApi(this, "Api", table, settings);
    const alarms = new Alarms(this, "Alarms", {
      httpApi,
      functions,
      table,
      email: settings.alarmEmail,
    });
    const refusals = new RefusalMetrics(this, "Refusals", { functions });
    const { dashboard } = new OperationsDashboard(this, "Operations", {
      httpApi,
      functions,
      table,
      alarms,
      refusals,
    });

    new CfnOutput(this, "ApiUrl", {
      value: httpApi.apiEndpoint,
      description: "Where bots send requests",
    });
    new CfnOutput(this, "TableName", { value: table.tableName, description: "The licenses" });
    new CfnOutput(this, "AlarmTopicArn", {
      value: alarms.topic.topicArn,
      description: "Tells of alarms",
    });
    new CfnOutput(this, "DashboardName", {
      value: dashboard.dashboardName,
      description: "In CloudWatch: what the service does",
    });
    new CfnOutput(this, "SessionTimeoutSeconds", {
      value: String(settings.sessionTimeoutSeconds),
      description: "A session is live until so long after its last heartbeat",
    });
  }
}
