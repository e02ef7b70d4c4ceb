import { App } from "aws-cdk-lib";
import { Match, Template } from "aws-cdk-lib/assertions";
import { describe, expect, test, vi } from "vitest";
import { EdgeStack, edgeProps } from "../../infra/edge-stack.ts";
import { readStackSettings } from "../../infra/stack-settings.ts";
import { originGuardHandler } from "../../lambdas/origin-guard-handler.ts";
import { stackTemplate } from "../support/stack-template.ts";

vi.hoisted(() => vi.stubEnv("ORIGIN_SECRETS", "of-the-module"));

const versionId = "11111111-2222-3333-4444-555555555555";
const context = {
  domainName: "licenses.example.com",
  certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/6f1c-11",
  edgeOrigin: "d-abc123.execute-api.eu-central-1.amazonaws.com",
  edgeCertificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/6f1c-12",
  originSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:origin-AbCdEf",
  originSecretVersionId: versionId,
};

function edgeOf(given: object) {
  const read = readStackSettings(new App({ context: given }).node);
  return read.valid ? edgeProps(read.settings) : undefined;
}

function edgeTemplate(): Template {
  const props = edgeOf(context);
  if (props === undefined) throw new Error("There is no stack");
  return Template.fromStack(new EdgeStack(new App(), "LicenseSessionsEdge", props));
}

describe("CloudFront in front of the API", () => {
  test("is not there unless it is asked for", () => {
    expect(edgeOf({})).toBeUndefined();
    const { domainName, certificateArn } = context;
    expect(edgeOf({ domainName, certificateArn })).toBeUndefined();
  });

  test("passes every request on by https, uncached, with the Host that the API serves", () => {
    edgeTemplate().hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: Match.objectLike({
        Aliases: ["licenses.example.com"],
        DefaultCacheBehavior: Match.objectLike({
          AllowedMethods: Match.arrayWith(["OPTIONS", "POST"]),
          // CachingDisabled and AllViewer: ids that AWS publishes.
          CachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
          OriginRequestPolicyId: "216adef6-5c7f-47e4-b989-5492eafa07d3",
          ViewerProtocolPolicy: "https-only",
        }),
        ViewerCertificate: Match.objectLike({ MinimumProtocolVersion: "TLSv1.2_2021" }),
      }),
    });
  });

  test("sends the secret, from its replica in us-east-1, once, and is not in the template", () => {
    edgeTemplate().hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: Match.objectLike({
        Origins: [
          Match.objectLike({
            DomainName: context.edgeOrigin,
            // A request that is sent twice is up to the bot.
            ConnectionAttempts: 1,
            CustomOriginConfig: Match.objectLike({ OriginProtocolPolicy: "https-only" }),
            OriginCustomHeaders: [
              {
                HeaderName: "x-origin-secret",
                HeaderValue: `{{resolve:secretsmanager:${context.originSecretArn.replace(
                  "eu-central-1",
                  "us-east-1",
                )}:SecretString:send::${versionId}}}`,
              },
            ],
          }),
        ],
      }),
    });
  });

  test("refuses an address that sends more than the setting says, as API Gateway would", () => {
    const template = edgeTemplate();
    template.hasResourceProperties("AWS::WAFv2::WebACL", {
      Scope: "CLOUDFRONT",
      DefaultAction: { Allow: {} },
      Rules: [
        Match.objectLike({
          Statement: {
            RateBasedStatement: { AggregateKeyType: "IP", Limit: 2_000, EvaluationWindowSec: 300 },
          },
          Action: { Block: { CustomResponse: { ResponseCode: 429 } } },
        }),
      ],
    });
    template.hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: Match.objectLike({
        WebACLId: { "Fn::GetAtt": [Match.stringLikeRegexp("^WebAcl"), "Arn"] },
      }),
    });
  });
});

describe("the API behind it", () => {
  const edgeTarget = "d111111abcdef8.cloudfront.net";
  const template = stackTemplate({ ...context, edgeTarget, hostedZoneId: "Z0123456789ABC" });

  test("has no other address, and asks for the secret on each route", () => {
    template.hasResourceProperties("AWS::ApiGatewayV2::Api", { DisableExecuteApiEndpoint: true });
    template.allResourcesProperties("AWS::ApiGatewayV2::Route", {
      AuthorizationType: "CUSTOM",
      AuthorizerId: Match.anyValue(),
    });
    template.hasResourceProperties("AWS::ApiGatewayV2::Authorizer", {
      AuthorizerType: "REQUEST",
      IdentitySource: ["$request.header.x-origin-secret"],
      EnableSimpleResponses: true,
    });
    template.hasResourceProperties("AWS::Lambda::Function", {
      Environment: {
        Variables: {
          ORIGIN_SECRETS: `{{resolve:secretsmanager:${context.originSecretArn}:SecretString:accept::${versionId}}}`,
        },
      },
    });
  });

  test("the guard may write its log and nothing else", () => {
    const [guard] = Object.entries(template.findResources("AWS::IAM::Policy")).filter(([id]) =>
      id.includes("Guard"),
    );
    expect(guard?.[1].Properties.PolicyDocument.Statement).toHaveLength(1);
    expect(guard?.[1].Properties.PolicyDocument.Statement[0].Action).toEqual([
      "logs:CreateLogStream",
      "logs:PutLogEvents",
    ]);
  });

  test("keeps its name, whose record now leads to CloudFront", () => {
    expect(template.findOutputs("ApiUrl").ApiUrl?.Value).toBe("https://licenses.example.com");
    template.hasResourceProperties("AWS::Route53::RecordSet", {
      Name: "licenses.example.com",
      AliasTarget: { DNSName: edgeTarget, HostedZoneId: "Z2FDTNDATAQYW2" },
    });
  });

  test.for([
    ["nothing of it is set", {}],
    ["CloudFront is deployed, but the record does not lead to it yet", context],
  ] as const)("is reached directly while %s", ([, given]) => {
    const direct = stackTemplate(given);
    direct.resourceCountIs("AWS::ApiGatewayV2::Authorizer", 0);
    expect(JSON.stringify(direct.toJSON())).not.toContain("DisableExecuteApiEndpoint");
  });
});

describe("the guard", () => {
  const ask = (secrets: string, header?: string) =>
    originGuardHandler(secrets)({ headers: { "x-origin-secret": header } });

  test("lets in a request with one of the secrets, and no other", async () => {
    expect(await ask("old new", "old")).toEqual({ isAuthorized: true });
    expect(await ask("old new", "new")).toEqual({ isAuthorized: true });
    for (const header of ["other", "old new", "ol", "", undefined]) {
      expect(await ask("old new", header)).toEqual({ isAuthorized: false });
    }
    expect(await originGuardHandler("old")({})).toEqual({ isAuthorized: false });
  });

  test.for(["", " "])("does not start without a secret: %j", (secrets) => {
    expect(() => originGuardHandler(secrets)).toThrow("ORIGIN_SECRETS is empty");
  });
});
