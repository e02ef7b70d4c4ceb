import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { AccessLogField, AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
  CfnStage,
  CorsHttpMethod,
  HttpApi,
  HttpMethod,
  HttpStage,
  LogGroupLogDestination,
} from "aws-cdk-lib/aws-apigatewayv2";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import type { TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { OriginGuard } from "./origin-guard.ts";
import { RouteFunction } from "./route-function.ts";
import type { StackSettings } from "./stack-settings.ts";

/** The HTTP API: three routes, a function each. */
export class SessionsApi extends Construct {
  readonly httpApi: HttpApi;
  readonly stage: HttpStage;
  readonly functions: readonly RouteFunction[];
  readonly accessLog: LogGroup;

  constructor(scope: Construct, id: string, table: TableV2, settings: StackSettings) {
    super(scope, id);
    const { edgeTarget, originSecretArn } = settings;
    const behindCloudFront = edgeTarget !== undefined;
    this.httpApi = new HttpApi(this, "HttpApi", {
      createDefaultStage: false,
      // The default endpoint would bypass CloudFront.
      ...(behindCloudFront && { disableExecuteApiEndpoint: true }),
      // Any origin is allowed: there are no cookies, the key in the body is the only credential,
      // and a page that has the key could get the answer anyway.
      corsPreflight: {
        allowOrigins: ["*"],
        allowMethods: [CorsHttpMethod.POST],
        allowHeaders: ["content-type", "content-digest"],
        exposeHeaders: ["content-digest", "signature-input", "signature"],
        maxAge: Duration.days(1),
      },
    });
    this.accessLog = new LogGroup(this, "AccessLogs", {
      retention: settings.logRetentionDays,
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const guard =
      behindCloudFront &&
      originSecretArn !== undefined &&
      new OriginGuard(this, "OriginGuard", {
        secretArn: originSecretArn,
        secretVersionId: settings.originSecretVersionId,
        logRetentionDays: settings.logRetentionDays,
      });
    const throttles: Record<string, Throttle> = {};
    this.stage = new HttpStage(this, "Stage", {
      httpApi: this.httpApi,
      stageName: "$default",
      autoDeploy: true,
      accessLogSettings: {
        destination: new LogGroupLogDestination(this.accessLog),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
    Validations.of(this.httpApi).acknowledge({
      id: "AwsSolutions-APIG4",
      reason:
        "The license key in the body is the credential: each function looks it up before it " +
        "answers or changes anything, and legacy bots send no other.",
    });

    const route = (
      { id, path, name, throttle }: RouteProps,
      ...tableActions: readonly string[]
    ): RouteFunction => {
      const routeFunction = new RouteFunction(this, id, { name, table, tableActions, settings });
      const routes = this.httpApi.addRoutes({
        path,
        methods: [HttpMethod.POST],
        integration: new HttpLambdaIntegration(`${id}Integration`, routeFunction.function),
        ...(guard && { authorizer: guard.authorizer }),
      });
      // Each route is throttled separately, so that a flood of claims can't block heartbeats.
      throttles[`POST ${path}`] = throttle;
      // API Gateway rejects a throttle for a route that does not exist yet.
      this.stage.node.addDependency(...routes);
      return routeFunction;
    };
    const get = "dynamodb:GetItem";
    const update = "dynamodb:UpdateItem";
    this.functions = [
      route(
        {
          id: "Validate",
          path: "/api/validate-license",
          name: "claim",
          throttle: throttleOf(settings.claimsPerSecond, settings.claimsBurst),
        },
        get,
        update,
      ),
      route(
        {
          id: "Heartbeat",
          path: "/api/heartbeat",
          name: "heartbeat",
          throttle: throttleOf(settings.heartbeatsPerSecond, settings.heartbeatsBurst),
        },
        update,
      ),
      route(
        {
          id: "Release",
          path: "/api/session/release",
          name: "release",
          throttle: throttleOf(settings.releasesPerSecond, settings.releasesBurst),
        },
        update,
      ),
    ];
    const resource = this.stage.node.defaultChild;
    if (resource instanceof CfnStage) resource.routeSettings = throttles;
  }
}

type RouteProps = {
  id: string;
  path: string;
  /** NAME in the path of its handler, `lambdas/NAME-handler.ts`. */
  name: string;
  throttle: Throttle;
};

/** An entry of `RouteSettings` of AWS::ApiGatewayV2::Stage. */
type Throttle = { ThrottlingRateLimit: number; ThrottlingBurstLimit: number };

function throttleOf(requestsPerSecond: number, burst: number): Throttle {
  return { ThrottlingRateLimit: requestsPerSecond, ThrottlingBurstLimit: burst };
}

const accessLogFields = {
  requestId: AccessLogField.contextRequestId(),
  /** The `request_id` of the answer and of the function's log line. */
  functionRequestId: AccessLogField.contextAwsEndpointRequestId(),
  time: AccessLogField.contextRequestTime(),
  sourceIp: AccessLogField.contextIdentitySourceIp(),
  userAgent: AccessLogField.contextIdentityUserAgent(),
  routeKey: AccessLogField.contextRouteKey(),
  status: AccessLogField.contextStatus(),
  responseLatencyMs: AccessLogField.contextResponseLatency(),
  integrationLatencyMs: AccessLogField.contextIntegrationLatency(),
  integrationError: AccessLogField.contextIntegrationErrorMessage(),
};
