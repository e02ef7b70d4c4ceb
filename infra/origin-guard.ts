import { Duration, RemovalPolicy } from "aws-cdk-lib";
import {
  HttpLambdaAuthorizer,
  HttpLambdaResponseType,
} from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  Function as LambdaFunction,
  LoggingFormat,
  Runtime,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { bundledCode } from "./bundled-code.ts";
import { secretReference } from "./secret-reference.ts";

/** What CloudFront sends with each request; `lambdas/origin-guard-handler.ts` reads it. */
export const originHeader = "x-origin-secret";

type OriginGuardProps = {
  /** A secret whose field `accept` holds the accepted values, separated by a space. */
  secretArn: string;
  secretVersionId: string | undefined;
  logRetentionDays: RetentionDays;
};

/** Rejects requests that did not come through CloudFront (see `edge-stack.ts`). */
export class OriginGuard extends Construct {
  readonly authorizer: HttpLambdaAuthorizer;

  constructor(scope: Construct, id: string, props: OriginGuardProps) {
    super(scope, id);
    const logGroup = new LogGroup(this, "Logs", {
      retention: props.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const role = new Role(this, "Role", {
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    });
    logGroup.grantWrite(role);
    const guard = new LambdaFunction(this, "Function", {
      code: bundledCode("origin-guard-handler.ts"),
      handler: "index.handler",
      runtime: Runtime.NODEJS_24_X,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(3),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      environment: {
        ORIGIN_SECRETS: secretReference(props.secretArn, {
          versionId: props.secretVersionId,
          jsonField: "accept",
        }),
      },
    });
    this.authorizer = new HttpLambdaAuthorizer("OriginGuard", guard, {
      responseTypes: [HttpLambdaResponseType.SIMPLE],
      // API Gateway answers 401 if the header is missing, and caches the result by its value.
      identitySource: [`$request.header.${originHeader}`],
      resultsCacheTtl: Duration.minutes(5),
    });
  }
}
