import { once } from "node:events";
import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";

const engine = await startDynalite();
let outputs: Record<string, string> | undefined;
/** The license of the line in the log group `claims`. */
let loggedId = "";
const asked: { operation: string; body: Record<string, unknown> }[] = [];

/** CloudFormation, STS and CloudWatch Logs, as far as the commands use them. */
const aws = createServer(async (request, response) => {
  const body = await text(request);
  const target = request.headers["x-amz-target"];
  if (target !== undefined) {
    const operation = String(target).split(".").at(-1) ?? "";
    asked.push({ operation, body: JSON.parse(body) });
    const who = { license_id: loggedId, device: "device-a...", symbol: "ES" };
    const line = { level: "INFO", message: { event: "session_claimed", ...who } };
    const events = body.includes('"claims"')
      ? [{ timestamp: Date.now(), message: JSON.stringify(line) }]
      : [];
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" });
    response.end(JSON.stringify(operation === "FilterLogEvents" ? { events } : {}));
    return;
  }
  const isKnown = outputs !== undefined || body.includes("GetCallerIdentity");
  response.writeHead(isKnown ? 200 : 400, { "content-type": "text/xml" });
  if (body.includes("GetCallerIdentity")) {
    response.end(
      "<GetCallerIdentityResponse><GetCallerIdentityResult><Arn>arn:aws:iam::123456789012:user/ada</Arn></GetCallerIdentityResult></GetCallerIdentityResponse>",
    );
    return;
  }
  const members = Object.entries(outputs ?? {}).map(
    ([key, value]) =>
      `<member><OutputKey>${key}</OutputKey><OutputValue>${value}</OutputValue></member>`,
  );
  response.end(
    outputs
      ? `<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>S</StackName><CreationTime>2026-11-01T08:00:00Z</CreationTime><LastUpdatedTime>2026-11-29T22:10:00Z</LastUpdatedTime><Outputs>${members.join("")}</Outputs></member></Stacks></DescribeStacksResult></DescribeStacksResponse>`
      : "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>Stack with id Nowhere does not exist</Message></Error></ErrorResponse>",
  );
});

beforeAll(async () => {
  aws.listen(0, "127.0.0.1");
  await once(aws, "listening");
  const address = aws.address();
  const port = typeof address === "object" && address ? address.port : 0;
  vi.stubEnv("AWS_ENDPOINT_URL", `http://127.0.0.1:${port}`);
  vi.stubEnv("AWS_ENDPOINT_URL_DYNAMODB", engine.endpoint);
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test");
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test");
  vi.stubEnv("AWS_REGION", "us-east-1");
});
afterAll(async () => {
  vi.unstubAllEnvs();
  aws.closeAllConnections();
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

  test("a change keeps the IAM identity that made it", async () => {
    outputs = { TableName: "Sessions" };
    const { stdout } = await license("create --stack LicenseSessions --json");
    expect(JSON.parse(stdout).changed_by).toBe("arn:aws:iam::123456789012:user/ada");
  });

  test("history asks the logs of the functions and of changes for the license, and a change is put there", async () => {
    const groups = { FunctionLogGroups: "claims,releases", ChangesLogGroup: "changes" };
    outputs = { TableName: "Sessions", ...groups };
    const { license_id: id } = JSON.parse((await license("create --stack S --json")).stdout);
    loggedId = id;
    asked.length = 0;
    const variables = { AWS_DEFAULT_REGION: "eu-central-1" };
    const changed = await license(["set", id, "--type", "pro", "--stack", "S"], { variables });
    expect(changed.exitCode).toBe(0);
    expect(changed.stdout).toContain("table Sessions of stack S in eu-central-1");
    const put = asked.find(({ operation }) => operation === "PutLogEvents");
    expect(put?.body).toMatchObject({ logGroupName: "changes" });
    expect(JSON.stringify(put?.body)).toContain("type: standard -> pro");
    const { exitCode, stdout } = await license(["history", id, "--stack", "S", "--json"]);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).lines).toMatchObject([{ event: "session_claimed", symbol: "ES" }]);
    const filters = asked.filter(({ operation }) => operation === "FilterLogEvents");
    expect(filters.map(({ body }) => [body.logGroupName, body.filterPattern])).toEqual([
      ["claims", `{ $.message.license_id = "${id}" }`],
      ["releases", `{ $.message.license_id = "${id}" }`],
      ["changes", `{ $.license_id = "${id}" }`],
    ]);
  });

  test("now says which commit is deployed, and since when", async () => {
    const commit = "1a2b3c4d5e6f of 2026-11-29T20:15:30Z";
    outputs = { TableName: "Sessions", Commit: commit };
    const { stdout } = await license("now --stack S");
    expect(stdout).toContain(`2026-11-29 22:10:00Z, the commit ${commit}`);
    const { deployed } = JSON.parse((await license("now --stack S --json")).stdout);
    expect(deployed).toEqual({ at: Date.UTC(2026, 10, 29, 22, 10), commit });
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
