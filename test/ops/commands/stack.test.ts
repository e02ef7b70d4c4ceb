import { once } from "node:events";
import { createServer } from "node:http";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { openScene } from "../../support/scene.ts";

let engine: Awaited<ReturnType<typeof startDynalite>>;
let outputs: Record<string, string> | undefined;

/** CloudFormation, as far as a stack's outputs go. */
const cloudFormation = createServer((_request, response) => {
  if (!outputs) {
    response.writeHead(400, { "content-type": "text/xml" });
    response.end(
      "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id Nowhere does not exist</Message></Error></ErrorResponse>",
    );
    return;
  }
  const members = Object.entries(outputs).map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  response.writeHead(200, { "content-type": "text/xml" });
  response.end(
    `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>S</StackName><Outputs>${members.join("")}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`,
  );
});

beforeAll(async () => {
  engine = await startDynalite();
  cloudFormation.listen(0, "127.0.0.1");
  await once(cloudFormation, "listening");
  const address = cloudFormation.address();
  const port = typeof address === "object" && address ? address.port : 0;
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", engine.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_REGION", "us-east-1");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  cloudFormation.close();
  await engine.stop();
});

/** One whose local engine is not there: whatever works, works on AWS. */
const license = operator({ endpoint: "http://127.0.0.1:9" });

describe("--stack", () => {
  test("works on the table of the stack", async () => {
    outputs = { ApiUrl: "https://x", TableName: "Sessions", SessionTimeoutSeconds: "90" };
    const created = await license("create --stack LicenseSessions --json");
    expect(created).toMatchObject({ exitCode: 0, stderr: "" });
    const { license_key } = JSON.parse(created.stdout);
    expect(await openScene(engine).item(license_key)).toBeDefined();
  });

  test("a stack that is not there, or tells no table, is one sentence", async () => {
    outputs = undefined;
    expect(await license("list --stack Nowhere")).toEqual({
      exitCode: 1,
      stdout: "",
      stderr: "There is no stack Nowhere in this account and Region.\n",
    });
    outputs = { ApiUrl: "https://x" };
    expect((await license("list --stack Other")).stderr).toContain("no output TableName");
  });

  test("a table that is not there is one sentence", async () => {
    const ran = await license("list --table Nothing");
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain("There is no table Nothing in this account and Region");
  });
});
