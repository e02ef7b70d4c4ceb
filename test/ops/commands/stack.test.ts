import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";

let engine: Awaited<ReturnType<typeof startDynalite>>;
let outputs: Record<string, string> | undefined;

/** CloudFormation and STS, as far as a stack's outputs and the caller's identity go. */
const aws = createServer(async (request, response) => {
  const body = await text(request);
  if (body.includes("GetCallerIdentity")) {
    response.writeHead(200, { "content-type": "text/xml" });
    response.end(
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
    return;
  }
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
  aws.listen(0, "127.0.0.1");
  await once(aws, "listening");
  const address = aws.address();
  const port = typeof address === "object" && address ? address.port : 0;
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDFORMATION", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ENDPOINT_URL_STS", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", engine.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_REGION", "us-east-1");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  aws.close();
  await engine.stop();
});

/** One whose local engine is not there: whatever works, works on AWS. */
const license = operator({ endpoint: "http://127.0.0.1:9" });

describe("--stack", () => {
  test("works on the table of the stack, by the option or by the variable", async () => {
    outputs = { ApiUrl: "https://x", TableName: "Sessions" };
    const created = await license("create --stack LicenseSessions --json");
    expect(created.exitCode).toBe(0);
    const { license_key, table } = JSON.parse(created.stdout);
    expect(table).toBe("table Sessions of stack LicenseSessions in us-east-1");
    const variables = { LICENSE_SESSIONS_STACK: "LicenseSessions" };
    expect((await license(["show", license_key], { variables })).exitCode).toBe(0);
    expect((await license(["show", license_key, "--table", "Sessions"])).exitCode).toBe(0);
    const local = await license(["show", license_key, "--local"], { variables });
    expect(local.stderr).toContain("There is no database at http://127.0.0.1:9");
  });

  test("is what the console shows, too", async () => {
    outputs = { TableName: "Sessions" };
    const { stdout } = await license("create --stack LicenseSessions --json");
    const { license_id: id } = JSON.parse(stdout);
    const printed = Promise.withResolvers<string>();
    const end = new AbortController();
    const ended = license("console --stack LicenseSessions --json", {
      ...{ onOutput: printed.resolve, stop: end.signal },
    }).then(({ exitCode, stderr }) => {
      printed.reject(new Error(`It ended: ${stderr}`));
      return exitCode;
    });
    const { table, address } = JSON.parse(await printed.promise);
    expect(table).toBe("table Sessions of stack LicenseSessions in us-east-1");
    const token = new URL(address).hash.replace("#token=", "");
    const answer = await fetch(new URL("/api/license", address), {
      method: "POST",
      headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
      body: JSON.stringify({ id }),
    });
    expect(await answer.json()).toMatchObject({ license_id: id, standing: "active" });
    end.abort();
    expect(await ended).toBe(0);
  });

  test("a change keeps the IAM identity that made it", async () => {
    outputs = { TableName: "Sessions" };
    const { stdout } = await license("create --stack LicenseSessions --json");
    expect(JSON.parse(stdout).changed_by).toBe("arn:aws:iam::123456789012:user/ada");
  });

  test("a stack that does not exist, or names no table, is one sentence", async () => {
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
