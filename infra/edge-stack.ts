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
import { CfnWebACL } from "aws-cdk-lib/aws-wafv2";
import type { Construct } from "constructs";
import { secretReference } from "./secret-reference.ts";
import type { StackSettings } from "./stack-settings.ts";

type EdgeStackProps = {
  /** The domain name that bots call, with or without CloudFront. */
  domainName: string;
  /** The ARN of a certificate for that name in us-east-1. */
  certificateArn: string;
  /** The address of the API: the output `DomainTarget` of its stack. */
  origin: string;
  /** A secret whose field `send` is sent with each request; it has a replica in us-east-1. */
  originSecretArn: string;
  originSecretVersionId: string | undefined;
  /** Further requests from one address within 5 minutes are blocked. */
  requestsPerFiveMinutes: number;
};

/** The properties of the stack by the settings, or undefined if they don't ask for it. */
export function edgeProps(settings: StackSettings): EdgeStackProps | undefined {
  const { domainName, edgeCertificateArn, edgeOrigin, originSecretArn } = settings;
  if (!domainName || !edgeCertificateArn || !edgeOrigin || !originSecretArn) return undefined;
  return {
    domainName,
    certificateArn: edgeCertificateArn,
    origin: edgeOrigin,
    originSecretArn,
    originSecretVersionId: settings.originSecretVersionId,
    requestsPerFiveMinutes: settings.edgeRequestsPerFiveMinutes,
  };
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
  constructor(scope: Construct, id: string, props: EdgeStackProps) {
    super(scope, id, {
      env: { region },
      description: "License sessions: CloudFront and AWS WAF in front of the API",
    });
    const webAcl = new CfnWebACL(this, "WebAcl", {
      scope: "CLOUDFRONT",
      defaultAction: { allow: {} },
      visibilityConfig: visibleAs("WebAcl"),
      rules: [
        {
          name: "RequestsOfOneAddress",
          priority: 0,
          statement: {
            rateBasedStatement: {
              aggregateKeyType: "IP",
              limit: props.requestsPerFiveMinutes,
              evaluationWindowSec: Duration.minutes(5).toSeconds(),
            },
          },
          // The same status as API Gateway's throttling, so that bots retry later.
          action: { block: { customResponse: { responseCode: 429 } } },
          visibilityConfig: visibleAs("RequestsOfOneAddress"),
        },
      ],
    });
    const replicaArn = props.originSecretArn.replace(
      /^(arn:[\w-]+:secretsmanager):[\w-]+/,
      `$1:${region}`,
    );
    const distribution = new Distribution(this, "Distribution", {
      domainNames: [props.domainName],
      certificate: Certificate.fromCertificateArn(this, "Certificate", props.certificateArn),
      minimumProtocolVersion: SecurityPolicyProtocol.TLS_V1_2_2021,
      httpVersion: HttpVersion.HTTP2_AND_3,
      webAclId: webAcl.attrArn,
      defaultBehavior: {
        origin: new HttpOrigin(props.origin, {
          protocolPolicy: OriginProtocolPolicy.HTTPS_ONLY,
          connectionAttempts: 1,
          connectionTimeout: Duration.seconds(3),
          readTimeout: Duration.seconds(5),
          customHeaders: {
            [originHeader]: secretReference(replicaArn, {
              versionId: props.originSecretVersionId,
              jsonField: "send",
            }),
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
    new CfnOutput(this, "EdgeTarget", {
      value: distribution.distributionDomainName,
      description: `What ${props.domainName} must lead to, by a CNAME or an alias record`,
    });
  }
}

function visibleAs(metricName: string): CfnWebACL.VisibilityConfigProperty {
  return { cloudWatchMetricsEnabled: true, sampledRequestsEnabled: true, metricName };
}
