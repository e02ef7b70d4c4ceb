import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, test, vi } from "vitest";
import { edgeProps } from "../../infra/edge-stack.ts";
import { readStackSettings } from "../../infra/stack-settings.ts";
import { isFromEdge } from "../../lambdas/http/origin-guard.ts";
import { startLegacyBot } from "../../simulation/legacy-bot.ts";
import { alarmsSetOff, type MetricData } from "../support/alarm-states.ts";
import { edgeStackTemplate, inApp, stackTemplate } from "../support/stack-template.ts";

const versionId = "11111111-2222-3333-4444-555555555555";
const context = {
  alarmEmail: "ops@example.com",
  domainName: "licenses.example.com",
  certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/6f1c-11",
  edgeOrigin: "d-abc123.execute-api.eu-central-1.amazonaws.com",
  edgeCertificateArn: "arn:aws:acm:us-east-1:111122223333:certificate/6f1c-12",
  originSecretArn: "arn:aws:secretsmanager:eu-central-1:111122223333:secret:origin-AbCdEf",
  originSecretVersionId: versionId,
};

function edgeOf(given: object) {
  const read = inApp({ ...given }, (app) => readStackSettings(app.node));
  return read.valid ? edgeProps(read.settings) : undefined;
}

function edgeTemplate(): Template {
  const props = edgeOf(context);
  if (props === undefined) throw new Error("There is no stack");
  return edgeStackTemplate(props);
}

describe("CloudFront in front of the API", () => {
  test("is not there unless it is asked for", () => {
    expect(edgeOf({})).toBeUndefined();
    const { domainName, certificateArn } = context;
    expect(edgeOf({ domainName, certificateArn })).toBeUndefined();
  });

  test("passes every request on by https, uncached, answers none with 403, with the Host that the API serves", () => {
    edgeTemplate().hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: Match.objectLike({
        Aliases: ["licenses.example.com"],
        DefaultCacheBehavior: Match.objectLike({
          AllowedMethods: Match.arrayWith(["OPTIONS", "POST"]),
          // CachingDisabled and AllViewer: ids that AWS publishes.
          CachePolicyId: "4135ea2d-6df8-44a3-9df3-4b5a84be39ad",
          OriginRequestPolicyId: "216adef6-5c7f-47e4-b989-5492eafa07d3",
          ViewerProtocolPolicy: "redirect-to-https",
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

describe("who watches CloudFront", () => {
  const template = edgeTemplate();

  test.for<[what: string, data: MetricData, alarms: string[]]>([
    ["the firewall blocks a caller", { BlockedRequests: [10] }, ["EdgeBlocked"]],
    ["the firewall blocks now and then", { BlockedRequests: [9] }, []],
    [
      "CloudFront does not reach the API",
      { "CloudFront Requests": [300], "CloudFront 5xxErrorRate": [100] },
      ["EdgeErrors"],
    ],
    [
      "a quarter of 20 requests fail",
      { "CloudFront Requests": [20], "CloudFront 5xxErrorRate": [25] },
      ["EdgeErrors"],
    ],
    [
      "one of four requests fails",
      { "CloudFront Requests": [4], "CloudFront 5xxErrorRate": [25] },
      [],
    ],
    [
      "bots that compete are refused",
      { "CloudFront Requests": [300], "CloudFront 5xxErrorRate": [24] },
      [],
    ],
    ["no request comes", {}, []],
  ])("%s: %j sets off %j", ([, data, alarms]) => {
    expect(alarmsSetOff(template, data)).toEqual(alarms);
  });

  test("the alarms' address is notified from this Region, too", () => {
    template.hasResourceProperties("AWS::SNS::Subscription", { Endpoint: "ops@example.com" });
    template.allResourcesProperties("AWS::CloudWatch::Alarm", {
      AlarmActions: [{ Ref: Match.stringLikeRegexp("^AlarmTopic") }],
      OKActions: [{ Ref: Match.stringLikeRegexp("^AlarmTopic") }],
    });
  });

  test("the firewall's metric is read under the name that it is written under", () => {
    const [webAcl] = Object.values(template.findResources("AWS::WAFv2::WebACL"));
    const name = webAcl?.Properties.VisibilityConfig.MetricName;
    expect(name).toBe("LicenseSessionsEdgeWebAcl");
    template.hasResourceProperties("AWS::CloudWatch::Alarm", {
      Namespace: "AWS/WAFV2",
      Dimensions: [
        { Name: "Rule", Value: "ALL" },
        { Name: "WebACL", Value: name },
      ],
    });
  });
});

const edgeTarget = "d111111abcdef8.cloudfront.net";
const reference = `{{resolve:secretsmanager:${context.originSecretArn}:SecretString:accept::${versionId}}}`;

/** The settings of docs/abuse.md, step by step: each leaves the ones before in place. */
const steps = {
  "before it": {},
  "CloudFront is deployed": context,
  "the record leads to CloudFront": { ...context, edgeTarget },
  "nothing else is let in": { ...context, edgeTarget, edgeOnly: true },
} as const;

describe("the API behind it", () => {
  const template = stackTemplate({
    ...steps["nothing else is let in"],
    hostedZoneId: "Z0123456789ABC",
  });

  test("every function gets the accepted secrets, by reference, and no policy knows the secret", () => {
    template.allResourcesProperties("AWS::Lambda::Function", {
      Environment: { Variables: Match.objectLike({ ORIGIN_SECRETS: reference }) },
    });
    expect(JSON.stringify(template.findResources("AWS::IAM::Policy"))).not.toContain("secret");
  });

  test("keeps its name, whose record now leads to CloudFront", () => {
    expect(template.findOutputs("ApiUrl").ApiUrl?.Value).toBe("https://licenses.example.com");
    template.hasResourceProperties("AWS::Route53::RecordSet", {
      Name: "licenses.example.com",
      AliasTarget: { DNSName: edgeTarget, HostedZoneId: "Z2FDTNDATAQYW2" },
    });
  });
});

describe("what a bot sees at each step", () => {
  const secret = "of-this-test";

  const templates = new Map(
    Object.values(steps).map((settings): [object, Template] => [settings, stackTemplate(settings)]),
  );

  /** The answer to a request that came on this way. Nothing but a function may give one. */
  function answerOf(settings: object, way: "directly" | "by CloudFront"): number {
    const template = templates.get(settings);
    if (template === undefined) throw new Error("It is no step");
    template.resourceCountIs("AWS::ApiGatewayV2::Authorizer", 0);
    template.allResourcesProperties("AWS::ApiGatewayV2::Route", { AuthorizationType: "NONE" });
    template.allResourcesProperties("AWS::ApiGatewayV2::Api", {
      DisableExecuteApiEndpoint: Match.absent(),
    });
    const [fn] = Object.values(template.findResources("AWS::Lambda::Function"));
    const set = fn?.Properties.Environment.Variables.ORIGIN_SECRETS;
    const headers = way === "directly" ? {} : { "x-origin-secret": secret };
    return isFromEdge(headers, set === reference ? secret : set) ? 200 : 500;
  }

  test.for(Object.entries(steps))("%s: a request through CloudFront is served", ([, settings]) => {
    expect(answerOf(settings, "by CloudFront")).toBe(200);
  });

  test.for(Object.entries(steps))(
    "%s: a direct one is served, or refused by a 500 alone",
    ([step, settings]) => {
      expect(answerOf(settings, "directly")).toBe(step === "nothing else is let in" ? 500 : 200);
    },
  );

  test("a legacy bot that keeps its old connection trades on through all of them", async () => {
    vi.useFakeTimers();
    let settings: object = steps["before it"];
    const answers: number[] = [];
    const bot = startLegacyBot(
      {
        pause: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
        isMarketOpen: () => true,
        async post() {
          const status = answerOf(settings, "directly");
          answers.push(status);
          const refusal = { code: "internal_error", message: "Try again." };
          return { status, body: status === 200 ? { license_valid: true } : refusal };
        },
      },
      { licenseKey: "KEY-1", deviceFingerprint: "device-a-0123456789" },
    );
    for (settings of Object.values(steps)) {
      await vi.advanceTimersByTimeAsync(310_000);
      expect(bot.trading()).toBe(true);
    }
    expect(new Set(answers)).toEqual(new Set([200, 500]));
    vi.useRealTimers();
  });
});
