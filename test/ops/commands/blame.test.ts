import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";

/** One sentence, no stack trace, exit code 1. */
async function sentenceOf(ran: Promise<{ exitCode: number; stderr: string }>): Promise<string> {
  const { exitCode, stderr } = await ran;
  expect(exitCode).toBe(1);
  expect(stderr.trim().split("\n")).toHaveLength(1);
  return stderr;
}

describe("a wrong endpoint", () => {
  test.for([
    [200, "<html>Welcome</html>"],
    [404, '{"message":"Not Found"}'],
    [302, ""],
  ] as const)("that answers %i is blamed on what answers there", async ([status, body]) => {
    const other = createServer((_request, response) => response.writeHead(status).end(body));
    other.listen(0, "127.0.0.1");
    await once(other, "listening");
    const address = other.address();
    const endpoint = `http://127.0.0.1:${typeof address === "object" && address ? address.port : 0}`;
    const sentence = await sentenceOf(operator({ endpoint })("list"));
    expect(sentence).toContain(`The server at ${endpoint} is not DynamoDB`);
    other.close();
  });
});

describe("on AWS", () => {
  const home = mkdtempSync(join(tmpdir(), "license-sessions-home-"));
  afterAll(() => rmSync(home, { recursive: true }));
  beforeEach(() => {
    for (const name of [
      "AWS_REGION",
      "AWS_DEFAULT_REGION",
      "AWS_PROFILE",
      "AWS_ACCESS_KEY_ID",
      "AWS_SECRET_ACCESS_KEY",
    ]) {
      vi.stubEnv(name, undefined);
    }
    vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true");
    vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", join(home, "credentials"));
    vi.stubEnv("AWS_CONFIG_FILE", join(home, "config"));
  });
  afterEach(() => vi.unstubAllEnvs());
  const license = operator({ endpoint: "http://127.0.0.1:9" });

  test.for(["list --table Abc", "list --stack Abc"])(
    "%s without a Region says so",
    async (words) => {
      expect(await sentenceOf(license(words))).toMatch(/^No AWS Region is set: set AWS_REGION/);
    },
  );

  test.for(["list --table Abc", "list --stack Abc"])(
    "%s without credentials says so",
    async (words) => {
      const variables = { AWS_DEFAULT_REGION: "eu-central-1" };
      expect(await sentenceOf(license(words, { variables }))).toMatch(/^No access to AWS: /);
    },
  );

  test("the Region is taken from the profile, too", async () => {
    // The SDK reads a file once and remembers it.
    vi.stubEnv("AWS_CONFIG_FILE", join(home, "another"));
    writeFileSync(join(home, "another"), "[profile x]\nregion = ap-south-1\n");
    vi.stubEnv("AWS_PROFILE", "x");
    expect(await sentenceOf(license("list --table Abc"))).toMatch(/^No access to AWS: /);
  });
});

describe("a full disk", () => {
  let engine: Awaited<ReturnType<typeof startDynalite>>;
  beforeAll(async () => {
    engine = await startDynalite();
  });
  afterAll(() => engine.stop());

  test("is blamed on the disk, not on the database", async () => {
    const ran = operator(engine)("export", {
      onOutput() {
        throw Object.assign(new Error("ENOSPC: no space left on device, write"), {
          code: "ENOSPC",
        });
      },
    });
    expect(await sentenceOf(ran)).toBe(
      "The output can't be written (the disk is full): it is incomplete.\n",
    );
  });
});
