import { ApiMapping, DomainName, type HttpApi, type HttpStage } from "aws-cdk-lib/aws-apigatewayv2";
import { Certificate } from "aws-cdk-lib/aws-certificatemanager";
import { CfnRecordSet } from "aws-cdk-lib/aws-route53";
import { Construct } from "constructs";

type ApiDomainProps = {
  httpApi: HttpApi;
  stage: HttpStage;
  domainName: string;
  /** Of a certificate for that name, in the Region of the stack. */
  certificateArn: string;
  /** The Route 53 zone that gets the record; without it, somebody else makes one. */
  hostedZoneId: string | undefined;
  /** CloudFront's name, if the record is to lead there. */
  edgeTarget: string | undefined;
};

/** Of every distribution of CloudFront: https://docs.aws.amazon.com/general/latest/gr/cf_region.html */
const cloudFrontHostedZoneId = "Z2FDTNDATAQYW2";

/**
 * An address that stays. The API's own address changes whenever the stack is created again, and
 * bots have theirs built in.
 */
export class ApiDomain extends Construct {
  /** What the name must lead to: by a CNAME, or by an alias with the zone below. */
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
