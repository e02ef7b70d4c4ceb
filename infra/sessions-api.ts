import { Duration, RemovalPolicy, Validations } from "aws-cdk-lib";
import { AccessLogField, AccessLogFormat } from "aws-cdk-lib/aws-apigateway";
import {
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
import { RouteFunction } from "./route-function.ts";
import type { StackSettings } from "./stack-settings.ts";

/** The HTTP API: three routes, a function each. */
export class SessionsApi extends Construct {
  readonly httpApi: HttpApi;
  readonly functions: readonly RouteFunction[];

  constructor(scope: Construct, id: string, table: TableV2, settings: StackSettings) {
    super(scope, id);
    this.httpApi = new HttpApi(this, "HttpApi", {
      createDefaultStage: false,
      // Any origin: the key in the body is the only credential, there are no cookies, and the answer
      // tells a page nothing that the key does not.
      corsPreflight: {
        allowOrigins: ["*"],
        allowMethods: [CorsHttpMethod.POST],
        allowHeaders: ["content-type"],
        maxAge: Duration.days(1),
      },
    });
    new HttpStage(this, "Stage", {
      httpApi: this.httpApi,
      stageName: "$default",
      autoDeploy: true,
      throttle: {
        rateLimit: settings.throttleRatePerSecond,
        burstLimit: settings.throttleBurst,
      },
      accessLogSettings: {
        destination: new LogGroupLogDestination(
          new LogGroup(this, "AccessLogs", {
            retention: settings.logRetentionDays,
            removalPolicy: RemovalPolicy.DESTROY,
          }),
        ),
        format: AccessLogFormat.custom(JSON.stringify(accessLogFields)),
      },
    });
    Validations.of(this.httpApi).acknowledge({
      id: "AwsSolutions-APIG4",
      reason:
        "The license key in the body is the credential: each function looks it up before it " +
        "tells or changes anything, and bots in the field send no other.",
    });

    const route = (id: string, path: string, name: string, ...tableActions: string[]) => {
      const routeFunction = new RouteFunction(this, id, { name, table, tableActions, settings });
      this.httpApi.addRoutes({
        path,
        methods: [HttpMethod.POST],
        integration: new HttpLambdaIntegration(`${id}Integration`, routeFunction.function),
      });
      return routeFunction;
    };
    const get = "dynamodb:GetItem";
    const update = "dynamodb:UpdateItem";
    this.functions = [
      route("Validate", "/api/validate-license", "validate", get, update),
      route("Heartbeat", "/api/heartbeat", "heartbeat", update),
      route("Release", "/api/session/release", "release", update),
    ];
  }
}

const accessLogFields = {
  requestId: AccessLogField.contextRequestId(),
  /** What the caller was told as `request_id`, and what the function's log line carries. */
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
