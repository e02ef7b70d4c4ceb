import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import * as z from "zod";
import { stackTemplate } from "../support/stack-template.ts";

const { Statement: statements } = z
  .object({
    Statement: z.array(
      z.object({ Sid: z.string(), Effect: z.string(), Action: z.array(z.string()) }),
    ),
  })
  .parse(
    JSON.parse(readFileSync(join(import.meta.dirname, "../../infra/deploy-policy.json"), "utf8")),
  );
const allowed = statements
  .filter(({ Effect }) => Effect === "Allow")
  .flatMap(({ Action }) => Action);

/** The prefix of the actions on each service of CloudFormation that the stack uses. */
const prefixOf: Record<string, string> = {
  ApiGatewayV2: "apigateway",
  CloudWatch: "cloudwatch",
  DynamoDB: "dynamodb",
  IAM: "iam",
  Lambda: "lambda",
  Logs: "logs",
  Route53: "route53",
  SNS: "sns",
};

test("the deploy policy covers each service of the stack, with every setting on, and no other", () => {
  const template = stackTemplate({
    alarmEmail: "ops@example.com",
    domainName: "licenses.example.com",
    certificateArn: "arn:aws:acm:eu-central-1:111122223333:certificate/6f1c-11",
    hostedZoneId: "Z0123456789ABC",
  });
  const types = Object.values<{ Type: string }>(template.toJSON().Resources).map(
    ({ Type }) => Type.split("::")[1] ?? "",
  );
  const needed = types.map((type) => prefixOf[type]);
  const besides = ["application-autoscaling", "s3", "secretsmanager", "ssm"];
  const services = new Set(allowed.map((action) => action.split(":")[0]));
  expect([...services].sort()).toEqual([...new Set([...needed, ...besides])].sort());
});

test("the deploy policy reads and writes no license, and can't delete the table", () => {
  const onItems = /^dynamodb:(\*|.*(Item|Query|Scan|PartiQL|Export|Restore|DeleteTable))/;
  expect(allowed.filter((action) => onItems.test(action))).toEqual([]);
  expect(allowed).not.toContain("*");
  expect(statements).toContainEqual({
    Sid: "TableStays",
    Effect: "Deny",
    Action: ["dynamodb:DeleteTable"],
  });
});
