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
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { RouteFunction } from "./route-function.ts";
import { type Route, type RouteName, routes } from "./routes.ts";
import type { StackSettings } from "./stack-settings.ts";

/** The HTTP API: a function for each of `routes`. */
export class SessionsApi extends Construct {
  readonly httpApi: HttpApi;
  readonly stage: HttpStage;
  readonly functions: Readonly<Record<RouteName, RouteFunction>>;
  readonly accessLog: LogGroup;

  constructor(scope: Construct, id: string, table: TableV2, settings: StackSettings) {
    super(scope, id);
    this.httpApi = new HttpApi(this, "HttpApi", {
      createDefaultStage: false,
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
      // A line for each heartbeat, which nobody reads a month later, would cost a hundred times as much.
      retention: Math.min(settings.logRetentionDays, RetentionDays.ONE_MONTH),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const throttles: Record<string, object> = {};
    this.stage = new HttpStage(this, "Stage", {
      httpApi: this.httpApi,
      stageName: "$default",
      autoDeploy: true,
      // For whatever has no throttle of its own: otherwise only the account's limit would bound it.
      throttle: { rateLimit: 100, burstLimit: 100 },
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

    const functionOf = (route: Route): RouteFunction => {
      const routeFunction = new RouteFunction(this, { route, table, settings });
      const added = this.httpApi.addRoutes({
        path: route.path,
        methods: [HttpMethod.POST],
        integration: new HttpLambdaIntegration(`${route.id}Integration`, routeFunction.function),
      });
      // Each route is throttled separately, so that a flood of claims can't block heartbeats.
      throttles[`POST ${route.path}`] = {
        ThrottlingRateLimit: settings[`${route.throttle}PerSecond` as const],
        ThrottlingBurstLimit: settings[`${route.throttle}Burst` as const],
      };
      // API Gateway rejects a throttle for a route that does not exist yet.
      this.stage.node.addDependency(...added);
      return routeFunction;
    };
    this.functions = {
      claim: functionOf(routes.claim),
      heartbeat: functionOf(routes.heartbeat),
      release: functionOf(routes.release),
    };
    const resource = this.stage.node.defaultChild;
    if (resource instanceof CfnStage) resource.routeSettings = throttles;
  }
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
