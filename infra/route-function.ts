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
import { secretReference } from "./secret-reference.ts";
import type { StackSettings } from "./stack-settings.ts";

type RouteFunctionProps = {
  /** NAME in the path of its handler, `lambdas/NAME-handler.ts`. */
  name: string;
  table: TableV2;
  /** The only actions the function is allowed on the table, such as `dynamodb:UpdateItem`. */
  tableActions: readonly string[];
  settings: StackSettings;
};

/** The function of one route, with its log group and a role with only the permissions it needs. */
export class RouteFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: RouteFunctionProps) {
    super(scope, id);
    const { name, table, tableActions, settings } = props;

    this.logGroup = new LogGroup(this, "Logs", {
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    this.logGroup.grantWrite(role);
    table.grants.actions(role, ...tableActions);
    const { signingSecretArn, signingSecretVersionId: versionId } = settings;

    this.function = new LambdaFunction(this, "Function", {
      code: bundledCode(name),
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
      },
    });
  }
}
