import { type Duration, RemovalPolicy } from "aws-cdk-lib";
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
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { bundledCode } from "./bundled-code.ts";

type ServiceFunctionProps = {
  /** The file of `lambdas/` that is bundled. */
  entry: string;
  timeout: Duration;
  table: TableV2;
  /** The only actions it is allowed on the table, such as `dynamodb:UpdateItem`. */
  tableActions: readonly string[];
  logRetentionDays: RetentionDays;
  environment: Record<string, string>;
};

/** A function, with its log group and a role with only the permissions it needs. */
export class ServiceFunction extends Construct {
  readonly function: LambdaFunction;
  readonly logGroup: LogGroup;

  constructor(scope: Construct, id: string, props: ServiceFunctionProps) {
    super(scope, id);
    const { entry, timeout, table, tableActions, logRetentionDays, environment } = props;
    this.logGroup = new LogGroup(this, "Logs", {
      retention: logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    this.logGroup.grantWrite(role);
    // CDK rejects a grant of nothing.
    if (tableActions.length > 0) table.grants.actions(role, ...tableActions);
    this.function = new LambdaFunction(this, "Function", {
      code: bundledCode(entry),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      memorySize: 512,
      timeout,
      role,
      logGroup: this.logGroup,
      loggingFormat: LoggingFormat.JSON,
      applicationLogLevelV2: ApplicationLogLevel.INFO,
      // At INFO, Lambda would log the start and the report of every heartbeat.
      systemLogLevelV2: SystemLogLevel.WARN,
      environment: { TABLE_NAME: table.tableName, ...environment },
    });
  }
}
