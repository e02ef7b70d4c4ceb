import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { openTestService } from "../../support/test-service.ts";

let engine: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());

async function newLicense(
  attributes: Parameters<ReturnType<typeof openTestService>["license"]>[0] = {},
) {
  const service = openTestService(engine);
  const key = await service.license(attributes);
  const license = operator(engine, { now: service.nowMs });
  const claim = (symbol?: string) =>
    service.validate({ license_key: key, device_fingerprint: "device-a-0123456789", symbol });
  return { service, key, id: licenseIdOf(key), license, claim };
}

describe("end-session", () => {
  test("with --symbol twice ends both, and no other", async () => {
    const { service, key, license, claim } = await newLicense();
    for (const symbol of ["ES", "NQ", "CL"]) await claim(symbol);
    await license(["end-session", key, "--symbol", "es", "--symbol", "NQ", "--yes"]);
    const { sessions } = (await service.item(key)) ?? {};
    expect(sessions).toMatchObject({
      ES: { ended_at: expect.any(Number) },
      NQ: { ended_at: expect.any(Number) },
    });
    expect(sessions?.CL).toHaveProperty("session_id");
    const again = await license(["end-session", key, "--symbol", "ES", "--symbol", "CL", "--yes"]);
    expect(again.stdout).toContain("Already ended before: ES.");
  });
});

describe("end-session while the operator thinks about it", () => {
  test.for(["delete", "rekey"])(
    "of a license that another one ends by %s does nothing, and says so",
    async (verb) => {
      const { key, license, claim } = await newLicense();
      await claim("ES");
      const ran = await license(["end-session", key], {
        answer: async () => (await license([verb, key, "--yes"])).exitCode === 0,
      });
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      expect(ran.stderr).toContain("Changed by somebody else just now, so not ended: ES.");
    },
  );
});

test("end-session of a symbol whose session is gone does nothing, and says so", async () => {
  const { service, key, license } = await newLicense();
  await service.change(key, { sessions: { ES: "abc" } } as never);
  const ran = await license(["end-session", key, "--yes"]);
  expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
  expect(ran.stderr).toContain("there is nothing to end: ES.");
});

describe("end-session of what a release has left for a replaced process", () => {
  /** Two claims and a release: the symbol waits for the first process of the device. */
  async function leftBy(
    { service, key }: Awaited<ReturnType<typeof newLicense>>,
    device_fingerprint: string,
  ) {
    const bot = { license_key: key, device_fingerprint, symbol: "ES" };
    await service.validate(bot);
    const { session_id } = (await service.validate(bot)).body;
    await service.release({ ...bot, session_id });
  }

  test("is not that of another device that came while the operator thought about it", async () => {
    const made = await newLicense();
    await leftBy(made, "device-a-0123456789");
    const ran = await made.license(["end-session", made.key], {
      answer: async () => {
        made.service.passSeconds(60);
        await leftBy(made, "device-b-0123456789");
        return true;
      },
    });
    expect(ran.exitCode).toBe(1);
    const { ES } = (await made.service.item(made.key))?.sessions ?? {};
    expect(ES).toMatchObject({ vacated_by: "device-b-0123456789" });
    expect(ES).not.toHaveProperty("ended_at");
  });

  test("is not what the same device has left of another session since", async () => {
    const made = await newLicense();
    await leftBy(made, "device-a-0123456789");
    const ran = await made.license(["end-session", made.key], {
      answer: async () => {
        made.service.passSeconds(40);
        await leftBy(made, "device-a-0123456789");
        return true;
      },
    });
    expect(ran.exitCode).toBe(1);
    const { ES } = (await made.service.item(made.key))?.sessions ?? {};
    expect(ES).toMatchObject({ lapses_at: made.service.nowMs() + 60_000 });
    expect(ES).not.toHaveProperty("ended_at");
  });
});

describe("set", () => {
  test.for([
    ["--email", "eve@example.com", "--no-email"],
    ["--no-email", "--email", "eve@example.com"],
    ["--timeout", "90", "--no-timeout"],
  ])("refuses to give and take away at once: %s %s %s", async (options) => {
    const { service, key, license } = await newLicense({ email: "ada@example.com" });
    const ran = await license(["set", key, ...options]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toContain("not both");
    expect(await service.item(key)).toMatchObject({ email: "ada@example.com" });
  });

  test("--timeout gives a license its own, and says for whom that changes what", async () => {
    const { service, key, license } = await newLicense();
    const ran = await license(["set", key, "--timeout", "300"]);
    expect(ran.stdout).toMatch(/^timeout +the service's +300 s, its own$/m);
    expect(ran.stdout).toContain("Sessions that are held keep theirs.");
    expect(await service.item(key)).toHaveProperty("session_timeout_seconds", 300);
    const shown = JSON.parse((await license(["show", key, "--json"])).stdout);
    expect(shown.session_timeout_seconds).toBe(300);
    await license(["set", key, "--no-timeout"]);
    expect(await service.item(key)).not.toHaveProperty("session_timeout_seconds");
  });

  test.for(["29", "86401", "1m"])("--timeout %s is refused", async (timeout) => {
    const { key, license } = await newLicense();
    const ran = await license(["set", key, "--timeout", timeout]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toContain("from 30 to 86400");
  });

  test("a tab in --type is named as what is wrong", async () => {
    const { key, license } = await newLicense();
    const ran = await license(["set", key, "--type", "pro\tyearly"]);
    expect(ran.exitCode).toBe(2);
    expect(ran.stderr).toContain("without tabs, line breaks");
  });
});

describe("create", () => {
  test("--timeout gives the license its own", async () => {
    const { license } = await newLicense();
    const made = JSON.parse((await license("create --timeout 120 --json")).stdout);
    expect(made.session_timeout_seconds).toBe(120);
  });

  test.for(["ab", "12345678901"])("a key that can be guessed is refused: %s", async (key) => {
    const { license } = await newLicense();
    const ran = await license(["create", "--key", key]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toContain("--key must be 12 to 128");
  });

  test.for([
    ["ENOSPC", "the disk is full"],
    ["EPIPE", "Nobody reads the output."],
  ])("a key that can't be printed (%s) leaves no license behind", async ([code, why]) => {
    const { license } = await newLicense();
    const count = async () => JSON.parse((await license("list --json")).stdout).length;
    const before = await count();
    const ran = await license("create", {
      onOutput() {
        throw Object.assign(new Error(`${code}: write`), { code });
      },
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain("the license was deleted again");
    expect(ran.stderr).toContain(why);
    expect(await count()).toBe(before);
  });
});

describe("lists", () => {
  test("have whole ids in a pipe, and ids that fit on a terminal", async () => {
    const { id, license, claim } = await newLicense({ email: "ada@example.com" });
    await claim();
    for (const words of ["list", "find --email ada@", "online"]) {
      expect((await license(words)).stdout).toContain(id);
      const { stdout } = await license(words, { columns: 100 });
      expect(stdout).not.toContain(id);
      expect(stdout).toContain(`${id.slice(0, 12)} `);
    }
  });

  test("find --email finds a letter with an accent, however it was typed", async () => {
    const { id, license } = await newLicense({ email: "jose\u0301@example.com" });
    const { stdout } = await license(["find", "--email", "JOS\u00c9@", "--json"]);
    expect(JSON.parse(stdout)).toMatchObject([{ license_id: id }]);
  });

  test("list counts an entry that nobody can read apart from the lapsed ones", async () => {
    const { service, key, id, license } = await newLicense();
    await service.change(key, { sessions: { ES: { odd: 1 } } } as never);
    const { stdout } = await license("list");
    expect(stdout).toMatch(new RegExp(`^${id}.* 0\\+0\\+1\\?/20 `, "m"));
  });

  test("online has no session of a license that was rekeyed: its bots stop", async () => {
    const { key, id, license, claim } = await newLicense();
    await claim();
    await license(["rekey", key, "--yes"]);
    expect((await license("online --json")).stdout).not.toContain(id);
  });

  test("list --csv has a license a line, which a spreadsheet reads", async () => {
    const { id, license } = await newLicense({ email: "=ada@example.com", licenseType: "a,b" });
    const { stdout } = await license("list --csv");
    expect(stdout).toMatch(/^license_id,standing,license_type,email,/);
    expect(stdout).toContain(`${id},active,"a,b",'=ada@example.com,`);
  });
});

describe("the Region", () => {
  test.for([
    ["", "AWS_REGION is set but empty"],
    ["us east 1", "not the name of a Region"],
    ["http://x", "not the name of a Region"],
  ])("%j is a sentence, not a stack trace", async ([AWS_REGION = "", sentence]) => {
    const { license } = await newLicense();
    for (const words of ["list --table Abc", "list --stack Abc"]) {
      const ran = await license(words, { variables: { AWS_REGION } });
      expect(ran.exitCode).toBe(1);
      expect(ran.stderr).toContain(sentence);
    }
  });
});
