/** A template with one route, function and table; `changes` replaces whole resources. */
export function templateWith(changes: Record<string, unknown> = {}): unknown {
  return {
    Resources: {
      Api: apiWith({}),
      BeatRoute: routeWith("POST /beat"),
      BeatIntegration: integrationOf({ "Fn::GetAtt": ["Beat", "Arn"] }),
      Beat: functionWith({}),
      Sessions: tableWith({}),
      Topic: { Type: "AWS::SNS::Topic" },
      ...changes,
    },
  };
}

export const cors = {
  AllowOrigins: ["*"],
  AllowMethods: ["POST"],
  AllowHeaders: ["content-type"],
  MaxAge: 60,
};

export function apiWith(changes: Record<string, unknown>): unknown {
  return {
    Type: "AWS::ApiGatewayV2::Api",
    Properties: { ProtocolType: "HTTP", CorsConfiguration: cors, ...changes },
  };
}

export function routeWith(RouteKey: string): unknown {
  return {
    Type: "AWS::ApiGatewayV2::Route",
    Properties: {
      AuthorizationType: "NONE",
      RouteKey,
      Target: { "Fn::Join": ["", ["integrations/", { Ref: "BeatIntegration" }]] },
    },
  };
}

export function tableWith(changes: Record<string, unknown>): unknown {
  return {
    Type: "AWS::DynamoDB::GlobalTable",
    Properties: {
      BillingMode: "PAY_PER_REQUEST",
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      Replicas: [{ DeletionProtectionEnabled: true, Region: { Ref: "AWS::Region" } }],
      ...changes,
    },
  };
}

export function integrationOf(uri: unknown): unknown {
  return {
    Type: "AWS::ApiGatewayV2::Integration",
    Properties: {
      IntegrationType: "AWS_PROXY",
      PayloadFormatVersion: "2.0",
      IntegrationUri: uri,
    },
  };
}

export function functionWith(changes: Record<string, unknown>): unknown {
  return {
    Type: "AWS::Lambda::Function",
    Properties: {
      Code: { S3Bucket: { "Fn::Sub": "assets" }, S3Key: "beef.zip" },
      Environment: { Variables: { TABLE_NAME: { Ref: "Sessions" }, LIMIT: "60" } },
      Handler: "index.handler",
      LoggingConfig: { ApplicationLogLevel: "WARN", LogFormat: "JSON" },
      MemorySize: 512,
      Runtime: "nodejs24.x",
      Timeout: 5,
      ...changes,
    },
  };
}
