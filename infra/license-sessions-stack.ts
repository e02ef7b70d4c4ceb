import { CfnOutput, RemovalPolicy, Stack } from "aws-cdk-lib";
import { ManagedPolicy, PermissionsBoundary } from "aws-cdk-lib/aws-iam";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import type { Construct } from "constructs";
import { Alarms } from "./alarms.ts";
import { ApiDomain } from "./api-domain.ts";
import { LapseEvents } from "./lapse-events.ts";
import { LogMetrics } from "./log-metrics.ts";
import { OperationsDashboard } from "./operations-dashboard.ts";
import { Safeguards } from "./safeguards.ts";
import { SessionsApi } from "./sessions-api.ts";
import { SessionsTable } from "./sessions-table.ts";
import type { StackSettings } from "./stack-settings.ts";

/** The whole service: table, API with its functions, alarms, dashboard. */
export class LicenseSessionsStack extends Stack {
  /** @param commit what is deployed, in words, for operators */
  constructor(scope: Construct, id: string, settings: StackSettings, commit = "unknown") {
    super(scope, id, {
      description: "License sessions: one device at a time per license key and symbol",
    });
    if (settings.permissionsBoundary !== undefined) {
      PermissionsBoundary.of(this).apply(
        ManagedPolicy.fromManagedPolicyName(this, "Boundary", settings.permissionsBoundary),
      );
    }
    const { table } = new SessionsTable(this, "Sessions");
    const api = new SessionsApi(this, "Api", table, settings);
    const { httpApi, functions } = api;
    const changesLog = new LogGroup(this, "Changes", {
      retention: RetentionDays.TWO_YEARS,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const logMetrics = new LogMetrics(this, "LogMetrics", api);
    const alarms = new Alarms(this, "Alarms", { httpApi, functions, table, logMetrics, settings });
    new Safeguards(this, "Safeguards", {
      table,
      alarmTopic: alarms.topic,
      alarmEmail: settings.alarmEmail,
    });
    if (settings.lapseEvents) {
      const { bus } = new LapseEvents(this, "LapseEvents", {
        table,
        alarmTopic: alarms.topic,
        settings,
      });
      new CfnOutput(this, "LapseEventsBus", {
        value: bus.eventBusName,
        description: "Where sessions that lapsed are reported",
      });
    }
    const { dashboard } = new OperationsDashboard(this, "Operations", {
      httpApi,
      functions,
      table,
      alarms,
      logMetrics,
      settings,
      commit,
    });

    const { domainName, certificateArn, hostedZoneId, edgeTarget } = settings;
    if (domainName !== undefined && certificateArn !== undefined) {
      const domain = new ApiDomain(this, "Domain", {
        ...api,
        domainName,
        certificateArn,
        hostedZoneId,
        edgeTarget,
      });
      new CfnOutput(this, "DomainTarget", {
        value: domain.target,
        description: `What ${domainName} must lead to, by a CNAME or an alias record`,
      });
      new CfnOutput(this, "DomainTargetHostedZoneId", {
        value: domain.targetHostedZoneId,
        description: "The hosted zone of DomainTarget, for an alias record",
      });
    }
    new CfnOutput(this, "ApiUrl", {
      value: domainName === undefined ? httpApi.apiEndpoint : `https://${domainName}`,
      description: "Where bots send requests",
    });
    new CfnOutput(this, "TableName", {
      value: table.tableName,
      description: "The table of licenses",
    });
    new CfnOutput(this, "FunctionLogGroups", {
      value: Object.values(functions)
        .map(({ logGroup }) => logGroup.logGroupName)
        .join(","),
      description: "Where the functions log claims, releases and refusals",
    });
    new CfnOutput(this, "ChangesLogGroup", {
      value: changesLog.logGroupName,
      description: "Where license-sessions logs what operators change",
    });
    new CfnOutput(this, "AlarmTopicArn", {
      value: alarms.topic.topicArn,
      description: "Where alarms are published",
    });
    new CfnOutput(this, "DashboardName", {
      value: dashboard.dashboardName,
      description: "The dashboard in CloudWatch",
    });
    new CfnOutput(this, "Commit", {
      value: commit,
      description: "The commit that is deployed; LastUpdatedTime of the stack says since when",
    });
    new CfnOutput(this, "SessionTimeoutSeconds", {
      value: String(settings.sessionTimeoutSeconds),
      description: "A session lapses this long after its last heartbeat",
    });
    // `cdk diff` prints the description of a changed output, which warns before the deploy.
    new CfnOutput(this, "MultiSymbolSessions", {
      value: String(settings.multiSymbolSessions),
      description:
        "Whether each symbol has a session of its own. A change ends every session: read " +
        "docs/operations.md#change-multisymbolsessions first",
    });
  }
}
