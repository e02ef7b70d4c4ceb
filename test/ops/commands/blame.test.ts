import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  afterAll,
  afterEach,
  beforeEach,
  describe,
  expect,
  onTestFinished,
  test,
  vi,
} from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { serving } from "../serving.ts";

/** One sentence, no stack trace, exit code 1. */
async function sentenceOf(ran: Promise<{ exitCode: number; stderr: string }>): Promise<string> {
  const { exitCode, stderr } = await ran;
  expect(exitCode).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  return stderr;
}

test.for([
  [200, "<html>Welcome</html>"],
  [404, '{"message":"Not Found"}'],
  [302, ""],
] as const)(
  "an endpoint that answers %i is blamed on what answers there",
  async ([status, body]) => {
    const endpoint = await serving((_request, response) => response.writeHead(status).end(body));
    const sentence = await sentenceOf(operator({ endpoint })("list"));
    expect(sentence).toContain(`The server at ${endpoint} is not DynamoDB`);
  },
);

describe("on AWS", () => {
  const home = mkdtempSync(join(tmpdir(), "license-sessions-home-"));
  afterAll(() => rmSync(home, { recursive: true }));
  beforeEach(() => {
    for (const name of [
      "REGION",
      "DEFAULT_REGION",
      "PROFILE",
      "ACCESS_KEY_ID",
      "SECRET_ACCESS_KEY",
    ])
      vi.stubEnv(`AWS_${name}`, undefined);
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(home, "credentials"));
    vi.stubEnv("AWS_CONFIG_FILE", join(home, "config"));
  });
  afterEach(() => vi.unstubAllEnvs());
  const license = operator({ endpoint: "http://127.0.0.1:9" });

  test.for([
    ["no Region", {}, /^No AWS Region is set: set AWS_REGION/],
    ["an empty one", { AWS_REGION: "" }, /^AWS_REGION is set but empty/],
    ["none that can be", { AWS_REGION: "us east 1" }, /^AWS_REGION is not the name of a Region/],
    ["an address", { AWS_REGION: "http://x" }, /^AWS_REGION is not the name of a Region/],
    ["no credentials", { AWS_DEFAULT_REGION: "eu-central-1" }, /^No access to AWS: /],
  ] as const)("%s is one sentence", async ([, variables, sentence]) => {
    for (const words of ["list --table Abc", "list --stack Abc"]) {
      expect(await sentenceOf(license(words, { variables }))).toMatch(sentence);
    }
  });

  test("the Region is taken from the profile, too", async () => {
    // The SDK reads a file once and remembers it.
    vi.stubEnv("AWS_CONFIG_FILE", join(home, "another"));
    writeFileSync(join(home, "another"), "[profile x]\nregion = ap-south-1\n");
    vi.stubEnv("AWS_PROFILE", "x");
    expect(await sentenceOf(license("list --table Abc"))).toMatch(/^No access to AWS: /);
  });
});

test("a full disk is blamed on the disk, not on the database", async () => {
  const engine = await startDynalite();
  onTestFinished(engine.stop);
  const ran = operator(engine)("export", {
    onOutput() {
      throw Object.assign(new Error("ENOSPC: no space left on device"), { code: "ENOSPC" });
    },
  });
  expect(await sentenceOf(ran)).toBe(
    "The output can't be written (the disk is full): it is incomplete.\n",
  );
});
