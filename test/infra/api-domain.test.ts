import { Match } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { everySetting, stackTemplate } from "../support/stack-template.ts";

const { domainName, certificateArn, hostedZoneId } = everySetting;
const domain = { domainName, certificateArn };

describe("an address that stays", () => {
  test("is not there unless it is named", () => {
    const template = stackTemplate();
    template.resourceCountIs("AWS::ApiGatewayV2::DomainName", 0);
    template.resourceCountIs("AWS::Route53::RecordSet", 0);
  });

  test("leads to the stage, by the certificate given", () => {
    const template = stackTemplate(domain);
    template.hasResourceProperties("AWS::ApiGatewayV2::DomainName", {
      DomainName: "licenses.example.com",
      DomainNameConfigurations: [
        Match.objectLike({ CertificateArn: domain.certificateArn, EndpointType: "REGIONAL" }),
      ],
    });
    template.hasResourceProperties("AWS::ApiGatewayV2::ApiMapping", {
      DomainName: Match.anyValue(),
      Stage: "$default",
    });
  });

  test("is what the stack names as the address for bots, beside what its record must say", () => {
    const template = stackTemplate(domain);
    const [id] = Object.keys(template.findResources("AWS::ApiGatewayV2::DomainName"));
    expect(template.findOutputs("*")).toMatchObject({
      ApiUrl: { Value: "https://licenses.example.com" },
      DomainTarget: { Value: { "Fn::GetAtt": [id, "RegionalDomainName"] } },
      DomainTargetHostedZoneId: { Value: { "Fn::GetAtt": [id, "RegionalHostedZoneId"] } },
    });
  });

  test("gets its record in the hosted zone that is named, and none without", () => {
    stackTemplate(domain).resourceCountIs("AWS::Route53::RecordSet", 0);
    const template = stackTemplate({ ...domain, hostedZoneId });
    template.hasResourceProperties("AWS::Route53::RecordSet", {
      HostedZoneId: "Z0123456789ABC",
      Name: "licenses.example.com",
      Type: "A",
      AliasTarget: {
        DNSName: { "Fn::GetAtt": [Match.anyValue(), "RegionalDomainName"] },
        HostedZoneId: { "Fn::GetAtt": [Match.anyValue(), "RegionalHostedZoneId"] },
      },
    });
  });
});
