import { ApiMapping, DomainName, type HttpApi, type HttpStage } from "aws-cdk-lib/aws-apigatewayv2";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { CfnRecordSet } from "aws-cdk-lib/aws-route53";
import { Construct } from "constructs";

type ApiDomainProps = {
  httpApi: HttpApi;
  stage: HttpStage;
  domainName: string;
  /** The ARN of a certificate for that name, in the Region of the stack. */
  certificateArn: string;
  /** The Route 53 zone that gets the record. Without it, the record must be created by hand. */
  hostedZoneId: string | undefined;
  /** CloudFront's domain name, if the record should point there. */
  edgeTarget: string | undefined;
};

/**
 * The same for all CloudFront distributions:
 * https://docs.aws.amazon.com/general/latest/gr/cf_region.html
 */
const cloudFrontHostedZoneId = "Z2FDTNDATAQYW2";

/**
 * A permanent address for the API. Its default address changes whenever the stack is recreated, but
 * bots have the address built in.
 */
export class ApiDomain extends Construct {
  /** What the name must point to: by a CNAME, or by an alias with the zone below. */
  readonly target: string;
  readonly targetHostedZoneId: string;

  constructor(scope: Construct, id: string, props: ApiDomainProps) {
    super(scope, id);
    const { httpApi, stage, domainName, certificateArn, hostedZoneId, edgeTarget } = props;
    const domain = new DomainName(this, "DomainName", {
      domainName,
      certificate: Certificate.fromCertificateArn(this, "Certificate", certificateArn),
    });
    new ApiMapping(this, "Mapping", { api: httpApi, stage, domainName: domain });
    this.target = domain.regionalDomainName;
    this.targetHostedZoneId = domain.regionalHostedZoneId;
    if (hostedZoneId !== undefined) {
      new CfnRecordSet(this, "Record", {
        hostedZoneId,
        name: domainName,
        type: "A",
        aliasTarget:
          edgeTarget === undefined
            ? { dnsName: this.target, hostedZoneId: this.targetHostedZoneId }
            : { dnsName: edgeTarget, hostedZoneId: cloudFrontHostedZoneId },
      });
    }
  }
}
