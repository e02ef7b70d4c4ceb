import { Match, type Template } from "aws-cdk-lib/assertions";
import { describe, expect, test, vi } from "vitest";
import { asksForEdge } from "../../infra/edge-stack.ts";
import { settingsSchema } from "../../infra/stack-settings.ts";
import { isFromEdge } from "../../lambdas/http/origin-guard.ts";
import { startLegacyBot } from "../../simulation/legacy-bot.ts";
import { alarmsSetOff, type MetricData } from "../support/alarm-states.ts";
import { edgeStackTemplate, everySetting, stackTemplate } from "../support/stack-template.ts";

const { domainName, certificateArn, edgeTarget, originSecretVersionId } = everySetting;
const { edgeOrigin, edgeCertificateArn, originSecretArn } = everySetting;
const ofDomain = { domainName, certificateArn };
const template = edgeStackTemplate();

describe("CloudFront in front of the API", () => {
  test("is not there unless it is asked for", () => {
    expect(asksForEdge(settingsSchema.parse({}))).toBe(false);
    expect(asksForEdge(settingsSchema.parse(ofDomain))).toBe(false);
  });

  test("passes every request on by https, uncached, answers none with 403, with the Host that the API serves", () => {
    template.hasResourceProperties("AWS::CloudFront::Distribution", {
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
    template.hasResourceProperties("AWS::CloudFront::Distribution", {
      DistributionConfig: Match.objectLike({
        Origins: [
          Match.objectLike({
            DomainName: edgeOrigin,
            // A request that is sent twice is up to the bot.
            ConnectionAttempts: 1,
            CustomOriginConfig: Match.objectLike({ OriginProtocolPolicy: "https-only" }),
            OriginCustomHeaders: [
              {
                HeaderName: "x-origin-secret",
                HeaderValue: `{{resolve:secretsmanager:${originSecretArn.replace(
                  "eu-central-1",
                  "us-east-1",
                )}:SecretString:send::${originSecretVersionId}}}`,
              },
            ],
          }),
        ],
      }),
    });
  });

  test("refuses an address that sends more than the setting says, as API Gateway would", () => {
    template.hasResourceProperties("AWS::WAFv2::WebACL", {
      Scope: "CLOUDFRONT",
      DefaultAction: { Allow: {} },
      Rules: [
        Match.objectLike({
          Statement: {
            RateBasedStatement: { AggregateKeyType: "IP", Limit: 5_000, EvaluationWindowSec: 300 },
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

const reference = `{{resolve:secretsmanager:${originSecretArn}:SecretString:accept::${originSecretVersionId}}}`;
const deployed = {
  ...ofDomain,
  edgeOrigin,
  edgeCertificateArn,
  originSecretArn,
  originSecretVersionId,
};

/** The settings of docs/abuse.md, step by step: each leaves the ones before in place. */
const steps = {
  "before it": {},
  "CloudFront is deployed": deployed,
  "the record leads to CloudFront": { ...deployed, edgeTarget },
  "nothing else is let in": { ...deployed, edgeTarget, edgeOnly: true },
} as const;

describe("the API behind it", () => {
  const template = stackTemplate({ ...everySetting, lapseEvents: false });

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

  test.for(Object.entries(steps))(
    "%s: a request through CloudFront is served, a direct one as well, or refused by a 500 alone",
    ([step, settings]) => {
      expect(answerOf(settings, "by CloudFront")).toBe(200);
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
