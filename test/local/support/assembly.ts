const integrationTarget = (id: string) => ({ "Fn::Join": ["", ["integrations/", { Ref: id }]] });

/** A template with one route, function and table; `changes` replaces whole resources. */
export function templateWith(changes: Record<string, unknown> = {}): unknown {
  return {
    Resources: {
      Api: apiWith({}),
      BeatRoute: {
        Type: "AWS::ApiGatewayV2::Route",
        Properties: {
          AuthorizationType: "NONE",
          RouteKey: "POST /beat",
          Target: integrationTarget("BeatIntegration"),
        },
      },
      BeatIntegration: integrationOf({ "Fn::GetAtt": ["Beat", "Arn"] }),
      Beat: functionWith({}),
      Sessions: {
        Type: "AWS::DynamoDB::GlobalTable",
        Properties: {
          BillingMode: "PAY_PER_REQUEST",
          KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
          AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
          Replicas: [{ DeletionProtectionEnabled: true, Region: { Ref: "AWS::Region" } }],
        },
      },
      Topic: { Type: "AWS::SNS::Topic" },
      ...changes,
    },
  };
}

export function apiWith(changes: Record<string, unknown>): unknown {
  return { Type: "AWS::ApiGatewayV2::Api", Properties: { ProtocolType: "HTTP", ...changes } };
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

export const assets = {
  files: {
    beef: {
      source: { path: "asset.beef", packaging: "zip" },
      destinations: { here: { bucketName: "assets", objectKey: "beef.zip" } },
    },
  },
};
