import { Duration, RemovalPolicy } from "aws-cdk-lib";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  ApplicationLogLevel,
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
  SystemLogLevel,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { bundledCode } from "./bundled-code.ts";
import type { Route } from "./routes.ts";
import { secretReference } from "./secret-reference.ts";
import type { StackSettings } from "./stack-settings.ts";

type RouteFunctionProps = {
  route: Route;
  table: TableV2;
  settings: StackSettings;
};

/** The function of one route, with its log group and a role with only the permissions it needs. */
export class RouteFunction extends Construct {
  readonly route: Route;
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, { route, table, settings }: RouteFunctionProps) {
    super(scope, route.id);
    this.route = route;

    this.logGroup = new LogGroup(this, "Logs", {
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    this.logGroup.grantWrite(role);
    // CDK rejects a grant of nothing.
    if (route.tableActions.length > 0) table.grants.actions(role, ...route.tableActions);
    const { signingSecretArn, signingSecretVersionId: versionId } = settings;
    const { edgeOnly, originSecretArn } = settings;

    this.function = new LambdaFunction(this, "Function", {
      code: bundledCode(route.entry),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      // The function itself answers 500 earlier (`answerWithinMs` in `lambdas/http/answer-request.ts`).
      timeout: Duration.seconds(5),
      role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      // At INFO, Lambda would log the start and the report of every heartbeat.
      systemLogLevelV2: SystemLogLevel.WARN,
      environment: {
        TABLE_NAME: table.tableName,
        SESSION_TIMEOUT_SECONDS: String(settings.sessionTimeoutSeconds),
        MULTI_SYMBOL_SESSIONS: String(settings.multiSymbolSessions),
        LEGACY_BOTS: String(settings.legacyBots),
        ...(signingSecretArn !== undefined && {
          SIGNING_KEYS: secretReference(signingSecretArn, { versionId }),
        }),
        // The function itself refuses what did not come through CloudFront: an authorizer can only
        // answer 401 or 403, and either ends a legacy bot.
        ...(edgeOnly &&
          originSecretArn !== undefined && {
            ORIGIN_SECRETS: secretReference(originSecretArn, {
              versionId: settings.originSecretVersionId,
              jsonField: "accept",
            }),
          }),
      },
    });
  }
}
