import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { isAllowed, type Policy, policySchema } from "../support/evaluate-policy.ts";
import { edgeStackTemplate, everySetting, stackTemplate } from "../support/stack-template.ts";

const account = "111122223333";
const names = {
  ACCOUNT: account,
  REGION: "eu-central-1",
  HOSTEDZONE: "Z0123456789ABC",
  DOMAINNAME: "licenses.example.com",
  APIID: "a1b2c3d4e5",
  DISTRIBUTIONID: "E1A2B3C4D5",
};

/** A policy of `infra/`, filled in as docs/deploying.md says. */
function policy(name: string): Policy {
  let text = readFileSync(join(import.meta.dirname, "../../infra", `${name}.json`), "utf8");
  for (const [placeholder, value] of Object.entries(names)) {
    text = text.replaceAll(placeholder, value);
  }
  return policySchema.parse(JSON.parse(text));
}

const deploy = policy("deploy-policy");
const edge = policy("edge-deploy-policy");
const boundary = policy("permissions-boundary");
const boundaryWithLapseEvents = policy("permissions-boundary-with-lapse-events");
const deployer = policy("deployer-policy");

const inRegion = (service: string, rest: string) =>
  `arn:aws:${service}:eu-central-1:${account}:${rest}`;
const api = (path: string) => `arn:aws:apigateway:eu-central-1::${path}`;
const tagsOf = (path: string) =>
  `/tags/${encodeURIComponent(`arn:aws:apigateway:eu-central-1::/${path}`)}`;
const role = (name: string) => `arn:aws:iam::${account}:role/${name}`;
const distribution = (id: string) => `arn:aws:cloudfront::${account}:distribution/${id}`;
const webAcl = (name: string) => `arn:aws:wafv2:us-east-1:${account}:global/webacl/${name}/1`;
const managedPolicy = (name: string) => `arn:aws:iam::${account}:policy/${name}`;
const table = inRegion("dynamodb", "table/LicenseSessions-Sessions-1ABC");
const secret = (name: string) => inRegion("secretsmanager", `secret:${name}-AbCdEf`);
const ourRole = role("LicenseSessions-ApiValidateRole6B28-1ABC");
const withBoundary = { "iam:PermissionsBoundary": managedPolicy("LicenseSessionsBoundary") };

type Case = [
  may: "may" | "may not",
  action: string,
  resource: string,
  context?: Record<string, string>,
];

describe("who deploys", () => {
  test.for<Case>([
    ["may", "dynamodb:CreateTable", table],
    ["may", "dynamodb:UpdateTable", table],
    ["may not", "dynamodb:DeleteTable", table],
    ["may not", "dynamodb:GetItem", table],
    ["may not", "dynamodb:Scan", table],
    ["may not", "dynamodb:ExportTableToPointInTime", table],
    ["may not", "dynamodb:RestoreTableToPointInTime", table],
    ["may not", "dynamodb:UpdateTable", inRegion("dynamodb", "table/Accounting")],
    ["may not", "dynamodb:DescribeTable", inRegion("dynamodb", "table/Accounting")],

    ["may", "iam:CreateRole", ourRole, withBoundary],
    ["may not", "iam:CreateRole", ourRole],
    [
      "may not",
      "iam:CreateRole",
      ourRole,
      { "iam:PermissionsBoundary": "arn:aws:iam::aws:policy/AdministratorAccess" },
    ],
    ["may not", "iam:CreateRole", role("Admin"), withBoundary],
    ["may", "iam:PutRolePolicy", ourRole, withBoundary],
    ["may not", "iam:PutRolePolicy", ourRole],
    ["may not", "iam:AttachRolePolicy", ourRole, withBoundary],
    ["may not", "iam:DeleteRolePermissionsBoundary", ourRole, withBoundary],
    ["may not", "iam:UpdateAssumeRolePolicy", ourRole],
    ["may not", "iam:CreatePolicyVersion", managedPolicy("LicenseSessionsBoundary")],
    ["may not", "iam:CreatePolicy", managedPolicy("LicenseSessionsOther")],
    ["may not", "iam:CreateUser", `arn:aws:iam::${account}:user/me`],
    ["may", "iam:PassRole", ourRole, { "iam:PassedToService": "lambda.amazonaws.com" }],
    ["may not", "iam:PassRole", ourRole, { "iam:PassedToService": "ec2.amazonaws.com" }],
    ["may not", "iam:PassRole", role("Admin"), { "iam:PassedToService": "lambda.amazonaws.com" }],

    ["may", "lambda:UpdateFunctionCode", inRegion("lambda", "function:LicenseSessions-Api-1")],
    ["may not", "lambda:UpdateFunctionCode", inRegion("lambda", "function:Accounting")],
    ["may", "apigateway:POST", api("/apis")],
    ["may", "apigateway:PATCH", api("/apis/a1b2c3d4e5/stages/$default")],
    ["may not", "apigateway:PATCH", api("/apis/z9z9z9z9z9/stages/$default")],
    ["may not", "apigateway:DELETE", api("/apis/z9z9z9z9z9")],
    ["may not", "apigateway:DELETE", api("/domainnames/www.example.com")],
    ["may", "apigateway:POST", api(tagsOf("apis/a1b2c3d4e5/stages/$default"))],
    ["may", "apigateway:POST", api(tagsOf("domainnames/licenses.example.com"))],
    ["may not", "apigateway:DELETE", api(tagsOf("apis/z9z9z9z9z9"))],
    ["may not", "apigateway:POST", api(tagsOf("domainnames/www.example.com"))],
    ["may", "events:PutRule", inRegion("events", "rule/LicenseSessions-SafeguardsHourly-1")],
    [
      "may",
      "events:CreateEventBus",
      inRegion("events", "event-bus/LicenseSessionsLapseEventsBus1"),
    ],
    ["may not", "events:PutRule", inRegion("events", "rule/Accounting")],
    ["may", "cloudwatch:PutMetricAlarm", inRegion("cloudwatch", "alarm:LicenseSessions-Api5xx-1")],
    ["may not", "cloudwatch:DeleteAlarms", inRegion("cloudwatch", "alarm:Accounting")],
    ["may", "sns:Unsubscribe", inRegion("sns", "LicenseSessions-AlarmsTopic-1:11111111-2222")],
    ["may not", "sns:Unsubscribe", inRegion("sns", "Accounting:11111111-2222")],
    ["may not", "sns:DeleteTopic", inRegion("sns", "Accounting")],
    ["may not", "logs:FilterLogEvents", inRegion("logs", "log-group:LicenseSessions-Changes-1")],
    ["may", "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z0123456789ABC"],
    ["may not", "route53:ChangeResourceRecordSets", "arn:aws:route53:::hostedzone/Z9"],
    ["may", "secretsmanager:GetSecretValue", secret("license-sessions-signing")],
    ["may", "secretsmanager:GetSecretValue", secret("license-sessions-origin")],
    ["may not", "secretsmanager:GetSecretValue", secret("accounting")],
  ])("through CloudFormation %s %s on %s with %j", ([may, action, resource, context]) => {
    expect(isAllowed(deploy, action, resource, context)).toBe(may === "may");
  });

  test.for<Case>([
    ["may", "sts:AssumeRole", role(`cdk-hnb659fds-deploy-role-${account}-eu-central-1`)],
    ["may", "sts:AssumeRole", role(`cdk-hnb659fds-file-publishing-role-${account}-us-east-1`)],
    // This one has ReadOnlyAccess, and so could read every license.
    ["may not", "sts:AssumeRole", role(`cdk-hnb659fds-lookup-role-${account}-eu-central-1`)],
    ["may not", "sts:AssumeRole", role(`cdk-hnb659fds-cfn-exec-role-${account}-eu-central-1`)],
  ])("as such %s %s on %s", ([may, action, resource]) => {
    expect(isAllowed(deployer, action, resource)).toBe(may === "may");
  });

  test.for<Case>([
    ["may", "cloudfront:UpdateDistribution", distribution("E1A2B3C4D5")],
    ["may not", "cloudfront:UpdateDistribution", distribution("E9")],
    ["may not", "cloudfront:DeleteDistribution", distribution("E9")],
    ["may", "wafv2:UpdateWebACL", webAcl("WebAcl-1")],
    ["may not", "wafv2:UpdateWebACL", webAcl("Accounting")],
    ["may not", "wafv2:DeleteWebACL", webAcl("Accounting")],
    ["may not", "wafv2:UpdateWebACL", inRegion("wafv2", "regional/webacl/Accounting/1")],
    ["may not", "iam:CreateRole", ourRole, withBoundary],
    ["may not", "iam:PassRole", ourRole],
    ["may not", "lambda:CreateFunction", inRegion("lambda", "function:LicenseSessionsEdge-1")],
    ["may not", "dynamodb:GetItem", table],
  ])("CloudFront %s %s on %s with %j", ([may, action, resource, context]) => {
    expect(isAllowed(edge, action, resource, context)).toBe(may === "may");
  });

  test.for<Case>([
    ["may", "dynamodb:UpdateItem", table],
    ["may not", "dynamodb:Scan", table],
    ["may not", "dynamodb:Query", table],
    ["may not", "dynamodb:DeleteItem", table],
    ["may not", "dynamodb:DeleteTable", table],
    ["may not", "dynamodb:GetItem", inRegion("dynamodb", "table/Accounting")],
    ["may not", "iam:PutRolePolicy", ourRole, withBoundary],
    ["may not", "sts:AssumeRole", role("Admin")],
    ["may not", "secretsmanager:GetSecretValue", secret("any")],
  ])(
    "may give a role of the stack, within its boundary, what %s %s on %s",
    ([may, action, resource, context]) => {
      expect(isAllowed(boundary, action, resource, context)).toBe(may === "may");
    },
  );
});

describe("what the stack needs", () => {
  /** The prefixes of the actions on the services of CloudFormation that a stack uses. */
  const servicesOf = (of: Template) =>
    Object.values<{ Type: string }>(of.toJSON().Resources).map(({ Type }) => {
      const [, service = ""] = Type.split("::");
      const others: Record<string, string> = {
        ApiGatewayV2: "apigateway",
        StepFunctions: "states",
      };
      return others[service] ?? service.toLowerCase();
    });
  const covered = ({ Statement }: Policy) =>
    Statement.filter(({ Effect }) => Effect === "Allow").flatMap(({ Action }) =>
      Action.map((action) => action.split(":")[0]),
    );

  test.for([
    ["the stack", servicesOf(stackTemplate(everySetting)), deploy, ["application-autoscaling"]],
    ["the one of CloudFront", servicesOf(edgeStackTemplate()), edge, ["acm"]],
  ] as const)(
    "every service of %s is covered with every setting on, and no other",
    ([, services, given, more]) => {
      const besides = [...more, "s3", "secretsmanager", "ssm"];
      expect([...new Set(covered(given))].sort()).toEqual([
        ...new Set([...services, ...besides].sort()),
      ]);
    },
  );

  test.for([
    ["without lapseEvents", boundary, false],
    ["with lapseEvents", boundaryWithLapseEvents, true],
  ] as const)(
    "%s every role has the boundary, and its policy grants nothing beyond it",
    ([, limit, lapseEvents]) => {
      const template = stackTemplate({ ...everySetting, lapseEvents });
      for (const { Properties } of Object.values(template.findResources("AWS::IAM::Role"))) {
        expect(JSON.stringify(Properties.PermissionsBoundary)).toContain(
          ":policy/LicenseSessionsBoundary",
        );
      }
      const granted = Object.values(template.findResources("AWS::IAM::Policy")).flatMap(
        ({ Properties }) =>
          Properties.PolicyDocument.Statement.flatMap(({ Action }: { Action: string | string[] }) =>
            [Action].flat(),
          ),
      );
      const within = limit.Statement.flatMap(({ Action }) =>
        Action.map((one) => one.toLowerCase()),
      );
      expect([...new Set(granted.map((action: string) => action.toLowerCase()))].sort()).toEqual(
        within.sort(),
      );
    },
  );

  test("the boundary with lapseEvents differs by reading through the table and putting events", () => {
    const [more, ...others] = boundaryWithLapseEvents.Statement.slice(boundary.Statement.length);
    expect(boundaryWithLapseEvents.Statement.slice(0, boundary.Statement.length)).toEqual(
      boundary.Statement,
    );
    expect(more?.Action).toEqual(["dynamodb:Scan", "events:PutEvents"]);
    expect(others).toEqual([]);
  });

  test("without the setting no role has one", () => {
    expect(JSON.stringify(stackTemplate().toJSON())).not.toContain("PermissionsBoundary");
  });

  test.for([
    "deploy-policy",
    "edge-deploy-policy",
    "permissions-boundary",
    "permissions-boundary-with-lapse-events",
    "deployer-policy",
  ])(
    "%s has no placeholder left once the names are filled in, and fits into a managed policy",
    (name) => {
      const filledIn = JSON.stringify(policy(name));
      expect(filledIn).not.toMatch(/[A-Z]{5,}/);
      expect(filledIn.length).toBeLessThan(6_144);
    },
  );

  test("docs/deploying.md fills in every name, and makes every policy", () => {
    const page = readFileSync(join(import.meta.dirname, "../../docs/deploying.md"), "utf8");
    for (const placeholder of Object.keys(names)) {
      expect(page).toMatch(new RegExp(`s/${placeholder}/`));
    }
    const made = [...page.matchAll(/^policy LicenseSessions\w+ ([\w-]+)/gm)].map(
      ([, name]) => name,
    );
    const listed = [...page.matchAll(/^\| \[`infra\/([\w-]+)\.json`\]/gm)].map(([, name]) => name);
    expect(listed).toHaveLength(4);
    expect(made.sort()).toEqual(listed.sort());
  });
});
