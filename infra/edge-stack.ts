import { CfnOutput, Duration, Stack, Validations } from "aws-cdk-lib";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import {
  AllowedMethods,
  CachePolicy,
  Distribution,
  HttpVersion,
  OriginProtocolPolicy,
  OriginRequestPolicy,
  SecurityPolicyProtocol,
  ViewerProtocolPolicy,
} from "aws-cdk-lib/aws-cloudfront";
import { HttpOrigin } from "aws-cdk-lib/aws-cloudfront-origins";
import { MathExpression, Metric, Stats } from "aws-cdk-lib/aws-cloudwatch";
import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import type { Construct } from "constructs";
import { addAlarm } from "./add-alarm.ts";
import { AlarmTopic } from "./alarm-topic.ts";
import { secretReference } from "./secret-reference.ts";
import type { StackSettings } from "./stack-settings.ts";

/** The settings that ask for CloudFront. */
type EdgeSettings = StackSettings &
  Record<"domainName" | "edgeCertificateArn" | "edgeOrigin" | "originSecretArn", string>;

export function asksForEdge(settings: StackSettings): settings is EdgeSettings {
  const { domainName, edgeCertificateArn, edgeOrigin, originSecretArn } = settings;
  return [domainName, edgeCertificateArn, edgeOrigin, originSecretArn].every(Boolean);
}

/** What CloudFront sends with each request; `lambdas/http/origin-guard.ts` reads it. */
const originHeader = "x-origin-secret";

/** Web ACLs for CloudFront must be in this Region, wherever the API is. */
const region = "us-east-1";

/**
 * CloudFront with AWS WAF in front of the API, which alone has neither a rate limit per address nor
 * a block list. A separate stack, because it may be in another Region than the API.
 */
export class EdgeStack extends Stack {
  constructor(scope: Construct, id: string, settings: EdgeSettings) {
    super(scope, id, {
      env: { region },
      description: "License sessions: CloudFront and AWS WAF in front of the API",
    });
    // CloudWatch knows the web ACL by this name alone, so it must be unique in the account.
    const webAclMetric = `${this.stackName}WebAcl`;
    const webAcl = new CfnWebACL(this, "WebAcl", {
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      visibilityConfig: visibleAs(webAclMetric),
      rules: [
        {
          name: "RequestsOfOneAddress",
          priority: 0,
          statement: {
            rateBasedStatement: {
              aggregateKeyType: "IP",
              limit: settings.edgeRequestsPerFiveMinutes,
              evaluationWindowSec: Duration.minutes(5).toSeconds(),
            },
          },
          // The same status as API Gateway's throttling, so that bots retry later.
          action: { block: { customResponse: { responseCode: 429 } } },
          visibilityConfig: visibleAs("RequestsOfOneAddress"),
        },
      ],
    });
    // The secret has a replica in the Region of this stack.
    const replicaArn = settings.originSecretArn.replace(
      /^(arn:[\w-]+:secretsmanager):[\w-]+/,
      `$1:${region}`,
    );
    const distribution = new Distribution(this, "Distribution", {
      domainNames: [settings.domainName],
      certificate: Certificate.fromCertificateArn(this, "Certificate", settings.edgeCertificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      httpVersion: HttpVersion.HTTP2_AND_3,
      webAclId: webAcl.attrArn,
      defaultBehavior: {
        origin: new HttpOrigin(settings.edgeOrigin, {
          protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
          connectionAttempts: 1,
          connectionTimeout: Duration.seconds(3),
          readTimeout: Duration.seconds(5),
          customHeaders: {
            [originHeader]: secretReference(replicaArn, settings.originSecretVersionId, "send"),
          },
        }),
        allowedMethods: AllowedMethods.ALLOW_ALL,
        cachePolicy: CachePolicy.CACHING_DISABLED,
        // Forwards the caller's Host, so that the API serves the same name behind CloudFront.
        originRequestPolicy: OriginRequestPolicy.ALL_VIEWER,
        // HTTPS_ONLY would answer 403, which ends a legacy bot. A POST is redirected by 307.
        viewerProtocolPolicy: ViewerProtocolPolicy.REDIRECT_TO_HTTPS,
      },
    });
    Validations.of(distribution).acknowledge(
      {
        id: "AwsSolutions-CFR1",
        reason: "Customers' bots run in any country; a license is the only condition.",
      },
      {
        id: "AwsSolutions-CFR3",
        reason:
          "What gets through is in the access log of the API, what does not in the metrics and " +
          "sampled requests of the web ACL.",
      },
    );
    const topic = new AlarmTopic(this, "AlarmTopic", { email: settings.alarmEmail });
    const fiveMinutes = Duration.minutes(5);
    addAlarm(this, "EdgeBlocked", [topic], {
      metric: new Metric({
        namespace: "AWS/WAFV2",
        metricName: "BlockedRequests",
        dimensionsMap: { WebACL: webAclMetric, Rule: "ALL" },
        statistic: Stats.SUM,
        period: fiveMinutes,
      }),
      threshold: 10,
      description:
        "The firewall in front of the API blocked 10 or more requests within 5 minutes: a caller is " +
        "flooding it, or a customer has many bots behind one address.",
    });
    const ofDistribution = (metricName: string, statistic: string) =>
      new Metric({
        namespace: "AWS/CloudFront",
        metricName,
        dimensionsMap: { DistributionId: distribution.distributionId, Region: "Global" },
        statistic,
        period: fiveMinutes,
      });
    addAlarm(this, "EdgeErrors", [topic], {
      metric: new MathExpression({
        expression: "IF(FILL(r, 0) * FILL(p, 0) >= 500, p, 0)",
        usingMetrics: {
          r: ofDistribution("Requests", Stats.SUM),
          p: ofDistribution("5xxErrorRate", Stats.AVERAGE),
        },
        period: fiveMinutes,
        label: "percent answered 5xx by CloudFront",
      }),
      threshold: 25,
      description:
        "25 % or more of the requests of 5 minutes were answered 5xx through CloudFront: the service " +
        "fails, CloudFront does not reach it, or sends a secret that it does not accept.",
    });
    new CfnOutput(this, "EdgeAlarmTopicArn", {
      value: topic.topicArn,
      description: "Where the alarms of CloudFront and its firewall are published",
    });
    new CfnOutput(this, "DistributionId", {
      value: distribution.distributionId,
      description: "The distribution of CloudFront, for its metrics",
    });
    new CfnOutput(this, "EdgeTarget", {
      value: distribution.distributionDomainName,
      description: `What ${settings.domainName} must lead to, by a CNAME or an alias record`,
    });
  }
}

function visibleAs(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true, metricName };
}
