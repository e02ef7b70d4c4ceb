import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import type { CommandResult } from "../../support/license-command.ts";
import { dayMs, device, newLicense } from "../new-license.ts";

const engine = await startDynalite();
afterAll(() => engine.stop());

function expectRefused({ exitCode, stdout }: CommandResult) {
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
}

describe("show", () => {
  test("shows standing, days left, and of each session who holds it and for how long", async () => {
    const { service, key, bot, license, json, claim } = await newLicense(engine, { days: 30 });
    await claim("ES");
    const report = { bot_version: "1.2", status: "trading", metadata: { trades: 3 } };
    await service.heartbeat({ ...bot, symbol: "ES", ...report });
    service.passSeconds(40);
    await claim("NQ");
    service.passSeconds(25);
    expect(await json("show", key)).toMatchObject({
      standing: "active",
      days_left: 29,
      live_sessions: 1,
      sessions: {
        ES: { state: "lapsed", seconds_left: 0, bot_version: "1.2", metadata: '{"trades":3}' },
        NQ: { state: "live", seconds_left: 35, device_fingerprint: device, bot_version: null },
      },
    });
    const { stdout } = await license(["show", key]);
    expect(stdout).toMatch(/^session NQ +live, 35 s left$/m);
    expect(stdout).toMatch(/^session ES +lapsed$/m);
    expect(stdout).toMatch(/^ {2}metadata +\{"trades":3\}$/m);
    expect(stdout).not.toContain(key);
  });

  test("judges by the timeout that the session was given", async () => {
    const { service, key, json, claim } = await newLicense(engine);
    service.deploy({ sessionTimeoutSeconds: 90 });
    await claim();
    service.passSeconds(70);
    const { sessions } = await json("show", key);
    expect(sessions["*"]).toMatchObject({ state: "live", seconds_left: 20 });
  });

  test("a license is named by its key, its id, or a beginning of the id", async () => {
    const { key, id, json } = await newLicense(engine);
    for (const name of [key, ` ${key} `, id, id.toUpperCase(), id.slice(0, 8), id.slice(0, 12)]) {
      expect((await json("show", name)).license_id).toBe(id);
    }
  });

  test("a beginning that two ids have names none, and both are listed; nor does a short one", async () => {
    const { service, key, id, license } = await newLicense(engine);
    const twin = `${id.slice(0, 10)}${"0".repeat(54)}`;
    await service.change("twin", { ...(await service.item(key)), license_id: twin });
    const ambiguous = await license(["show", id.slice(0, 8)]);
    expectRefused(ambiguous);
    expect(ambiguous.stderr).toContain(`\n  ${id}  ada@example.com`);
    expect(ambiguous.stderr).toContain(`\n  ${twin}  ada@example.com`);
    expectRefused(await license(["show", id.slice(0, 7)]));
  });
});

describe("what a bot calls itself", () => {
  const steering = `\u001b[2J\u009b31m\u{e0041}\u0007\r\n\u007f${"x".repeat(230)}\u202e\u2028`;
  const control = /[\p{C}\p{Zl}\p{Zp}]/u;

  async function steered() {
    const made = await newLicense(engine);
    const bot = { license_key: made.key, device_fingerprint: steering };
    await made.service.validate(bot);
    await made.service.heartbeat({
      ...bot,
      status: "\u001b[31m",
      metadata: { text: "y".repeat(900) },
    });
    await made.service.change(made.key, {
      email: `\u001b]0;x\u0007@x`,
      license_type: "\u009b2J",
    } as never);
    return made;
  }

  test.for([80, 120])(
    "can't steer a terminal of %i columns, nor make a wider line",
    async (columns) => {
      const { key, license } = await steered();
      for (const words of [["show", key], ["online"], ["list"], ["find", "--email", "@x"]]) {
        const { exitCode, stdout } = await license(words, { columns });
        expect(exitCode).toBe(0);
        for (const line of stdout.split("\n")) {
          expect(line).not.toMatch(control);
          expect([...line].length).toBeLessThanOrEqual(columns);
        }
      }
      const asked = await license(["end-session", key], { columns, answer: false });
      const done = await license(["end-session", key, "--yes"], { columns });
      for (const line of `${asked.stderr}${done.stdout}${done.stderr}`.split("\n")) {
        expect(line).not.toMatch(control);
      }
    },
  );

  test("is whole in a pipe, and in --json an escape that reads back as it was", async () => {
    const { key, license } = await steered();
    const { stdout } = await license(["show", key]);
    expect(stdout).toContain("x".repeat(230));
    expect(stdout).toContain("y".repeat(900));
    for (const words of [["show", key], ["online"], ["list"], ["suspend", key, "--yes"]]) {
      const shown = await license([...words, "--json"]);
      expect(shown.stdout.replaceAll("\n", "")).not.toMatch(control);
      expect(JSON.stringify(JSON.parse(shown.stdout))).toContain(JSON.stringify(steering));
    }
  });
});

describe("suspend, activate, cancel", () => {
  test("show before and after, and bots notice at once", async () => {
    const { service, key, bot, license, json, claim } = await newLicense(engine);
    await claim();
    const beat = () => service.heartbeat(bot);
    const suspended = await license(["suspend", key, "--yes"]);
    expect(suspended.stdout).toMatch(/^standing +active +suspended$/m);
    expect((await beat()).body.code).toBe("license_suspended");
    expect(await json("activate", key)).toMatchObject({
      changed: true,
      before: { status: "suspended", live_sessions: 1 },
      after: { status: "active", live_sessions: 1 },
    });
    expect((await beat()).body.code).toBe("recorded");
    await license(["cancel", key, "--yes"]);
    expect((await beat()).body.code).toBe("license_cancelled");
  });

  test("done twice is done once", async () => {
    const { service, key, license, json } = await newLicense(engine);
    await license(["suspend", key, "--yes"]);
    const item = await service.item(key);
    const again = await json("suspend", key);
    expect(again).toMatchObject({ changed: false, after: { status: "suspended" } });
    expect(await service.item(key)).toEqual(item);
  });
});

test.for([
  ["suspend"],
  ["cancel"],
  ["end-session"],
  ["rekey"],
  ["extend", "--until", "2026-02-01"],
])("%s asks, and does nothing on a no or without anybody to ask", async ([verb = "", ...more]) => {
  const { service, key, license, claim } = await newLicense(engine, { days: 300 });
  await claim();
  const item = await service.item(key);
  const alone = await license([verb, key, ...more]);
  expectRefused(alone);
  expect(alone.stderr).toContain("--yes");
  expectRefused(await license([verb, key, ...more], { answer: false }));
  expect(await service.item(key)).toEqual(item);
  expect((await license([verb, key, ...more], { answer: true })).exitCode).toBe(0);
  expect(await service.item(key)).not.toEqual(item);
});

describe("extend", () => {
  test("adds days to the end, or to now once that is past", async () => {
    const { service, key, license } = await newLicense(engine, { days: 10 });
    await license(["extend", key, "--days", "5"]);
    expect((await service.item(key))?.license_expiration).toBe(service.nowMs() + 15 * dayMs);
    service.passMs(100 * dayMs);
    const shown = await license(["extend", key, "--days", "5"]);
    expect(shown.stdout).toMatch(/^standing +expired +active$/m);
    expect((await service.item(key))?.license_expiration).toBe(service.nowMs() + 5 * dayMs);
  });

  test("moves the end to a date in UTC", async () => {
    const { service, key, license } = await newLicense(engine, { days: 10 });
    expect((await license(["extend", key, "--until", "2027-01-31"])).exitCode).toBe(0);
    expect((await service.item(key))?.license_expiration).toBe(Date.UTC(2027, 0, 31));
  });

  test("--until never takes the end away, and there is nothing to extend then", async () => {
    const { service, key, license, json } = await newLicense(engine, { days: 10 });
    const shown = await license(["extend", key, "--until", "never"]);
    expect(shown.stdout).toMatch(/^expires +2026.* never$/m);
    expect(await service.item(key)).not.toHaveProperty("license_expiration");
    expect(await json("extend", key, "--until", "never")).toMatchObject({ changed: false });
    expectRefused(await license(["extend", key, "--days", "5"]));
  });

  test("of two operators who extend at once one is refused and has to look again", async () => {
    const { service, key, license } = await newLicense(engine, { days: 10 });
    const ran = await Promise.all([1, 2].map(() => license(["extend", key, "--days", "5"])));
    const expected =
      service.nowMs() + (10 + 5 * ran.filter((one) => one.exitCode === 0).length) * dayMs;
    expect((await service.item(key))?.license_expiration).toBe(expected);
  });
});

describe("set", () => {
  test("changes what is given, and keeps sessions", async () => {
    const { service, key, license, claim } = await newLicense(engine);
    await claim();
    const before = await service.item(key);
    await license(["set", key, "--max-sessions", "3", "--type", "pro", "--no-email"]);
    const { email, ...others } = before ?? {};
    expect(await service.item(key)).toEqual({
      ...others,
      fencing_token: Number(before?.fencing_token) + 1,
      max_sessions: 3,
      license_type: "pro",
      change_id: expect.any(String),
      changed_by: expect.any(String),
      changed_at: service.nowMs(),
    });
  });

  test.for([
    ["--email", "eve@example.com", "--no-email"],
    ["--no-email", "--email", "eve@example.com"],
    ["--timeout", "90", "--no-timeout"],
  ])("refuses to give and take away at once: %s %s %s", async (options) => {
    const { service, key, license } = await newLicense(engine);
    const ran = await license(["set", key, ...options]);
    expect(ran).toMatchObject({ exitCode: 2, stdout: "" });
    expect(ran.stderr).toContain("not both");
    expect(await service.item(key)).toMatchObject({ email: "ada@example.com" });
  });

  test("--timeout gives a license its own, and says for whom that changes what", async () => {
    const { service, key, license, json } = await newLicense(engine);
    const ran = await license(["set", key, "--timeout", "300"]);
    expect(ran.stdout).toMatch(/^timeout +the service's +300 s, its own$/m);
    expect(ran.stdout).toContain("Sessions that are held keep theirs.");
    expect(await service.item(key)).toHaveProperty("session_timeout_seconds", 300);
    expect(await json("show", key)).toMatchObject({ session_timeout_seconds: 300 });
    await license(["set", key, "--no-timeout"]);
    expect(await service.item(key)).not.toHaveProperty("session_timeout_seconds");
  });
});

describe("create", () => {
  test("of a key that exists makes nothing, and says so", async () => {
    const { key, license, json } = await newLicense(engine);
    const before = await json("show", key);
    const ran = await license(["create", "--key", key]);
    expectRefused(ran);
    expect(ran.stderr).toContain("exists already");
    expect(await json("show", key)).toEqual(before);
  });

  test("prints the key once, in the shape that show has", async () => {
    const { json } = await newLicense(engine);
    const options = ["--days", "30", "--timeout", "120"];
    const { license_key, table, ...shape } = await json("create", ...options);
    expect(license_key).toMatch(/^[A-Z0-9]{4}(-[A-Z0-9]{4}){3}$/);
    expect(table).toBe(`table Sessions at ${engine.endpoint}`);
    expect(shape).toMatchObject({ days_left: 30, session_timeout_seconds: 120 });
    expect(await json("show", license_key)).toEqual(shape);
  });

  test.for([
    ["ENOSPC", "the disk is full"],
    ["EPIPE", "Nobody reads the output."],
  ])("a key that can't be printed (%s) leaves no license behind", async ([code, why]) => {
    const { license, json } = await newLicense(engine);
    const before = await json("list");
    const ran = await license("create", {
      onOutput() {
        throw Object.assign(new Error(`${code}: write`), { code });
      },
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain("the license was deleted again");
    expect(ran.stderr).toContain(why);
    expect(await json("list")).toHaveLength(before.length);
  });
});

test.for([
  ["show"],
  ["suspend", "--yes"],
  ["activate"],
  ["cancel", "--yes"],
  ["extend", "--days", "3"],
  ["set", "--type", "pro"],
  ["end-session", "--all", "--yes"],
  ["rekey", "--yes"],
  ["delete", "--yes"],
  ["history"],
])(
  "%s of a license that is not there makes no row, and does not repeat the name",
  async (words) => {
    const [verb = "", ...options] = words;
    const { license, json } = await newLicense(engine);
    const before = await json("list");
    const ran = await license([verb, "SOME-KEY-OF-NOBODY", ...options]);
    expectRefused(ran);
    expect(ran.stderr).not.toContain("SOME-KEY");
    expect(await json("list")).toHaveLength(before.length);
  },
);

describe("delete", () => {
  test("leaves nothing of a license, and its bot stops at its next heartbeat", async () => {
    const { service, key, bot, license, claim } = await newLicense(engine);
    await claim();
    const ran = await license(["delete", key], { answer: true });
    expect(ran.stderr).toContain("ada@example.com");
    expect(ran.stdout).toContain("Deleted.");
    expect(await service.item(key)).toBeUndefined();
    expect((await service.heartbeat(bot)).body).toMatchObject({ code: "license_unknown" });
  });

  const folder = mkdtempSync(join(tmpdir(), "license-sessions-delete-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const gold = join(folder, "gold.csv");
  const changes = {
    set: (key: string) => ["set", key, "--type", "pro"],
    rekey: (key: string) => ["rekey", key, "--yes"],
    import: () => ["import", gold, "--replace", "--yes"],
  };

  test.for([
    ["set", false],
    ["set", true],
    ["rekey", false],
    ["rekey", true],
    ["import", false],
    ["import", true],
  ] as const)(
    "a license that was changed by %s since it was seen stays (changed before, too: %s)",
    async ([verb, changedBefore]) => {
      const { service, key, license } = await newLicense(engine);
      if (changedBefore) await license(["set", key, "--type", "silver"]);
      const header = "license_key,email,license_type,license_status,license_expiration";
      writeFileSync(gold, `${header}\n${key},,gold,active,\n`);
      const ran = await license(["delete", key], {
        answer: async () => (await license(changes[verb](key))).exitCode === 0,
      });
      expectRefused(ran);
      expect(await service.item(key)).toBeDefined();
    },
  );
});

describe("several licenses at once", () => {
  test("are changed each, after one question that names them all", async () => {
    const one = await newLicense(engine);
    const two = await newLicense(engine);
    const ran = await one.license(["suspend", one.key, two.id, one.id], { answer: true });
    for (const { service, key, id } of [one, two]) {
      expect(ran.stderr).toContain(id.slice(0, 12));
      expect(await service.item(key)).toMatchObject({ status: "suspended" });
    }
    const { stdout } = await one.license(["activate", one.key, two.key, "--json"]);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).license_id)).toEqual([one.id, two.id]);
  });

  test("one that somebody else changed meanwhile is named and stays, and the others are changed", async () => {
    const one = await newLicense(engine);
    const two = await newLicense(engine);
    const ran = await one.license(["suspend", one.key, two.key], {
      answer: async () => (await one.license(["cancel", one.key, "--yes"])).exitCode === 0,
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain(
      `license ${one.id.slice(0, 12)} of ada@example.com: Somebody else changed`,
    );
    expect(ran.stderr).toContain("1 of 2 licenses were not changed.");
    expect(await one.service.item(one.key)).toMatchObject({ status: "cancelled" });
    expect(await two.service.item(two.key)).toMatchObject({ status: "suspended" });
  });

  test("if one can't be found, none is changed", async () => {
    const { service, key, license } = await newLicense(engine, { days: 10 });
    const before = await service.item(key);
    const missing = await license(["suspend", key, "NOBODY", "--yes"]);
    expectRefused(missing);
    expect(missing.stderr).toContain("License 2 of 2");
    expect(await service.item(key)).toEqual(before);
  });
});

describe("who changed a license", () => {
  test("when and why is kept for the last change, and shown", async () => {
    const { service, key, license } = await newLicense(engine);
    await license(["set", key, "--type", "pro", "--reason", "bought more"]);
    const first = await service.item(key);
    expect(first).toMatchObject({ changed_at: service.nowMs(), change_reason: "bought more" });
    expect(first).toHaveProperty("changed_by", expect.stringContaining("@"));
    expect((await license(["show", key])).stdout).toMatch(/^last change .* by .*: bought more$/m);
    await license(["set", key, "--type", "gold"]);
    expect(await service.item(key)).not.toHaveProperty("change_reason");
  });

  test("is in the answer and before it: which table it is about", async () => {
    const { key, license } = await newLicense(engine);
    const ran = await license(["set", key, "--type", "pro"]);
    const place = `table Sessions at ${engine.endpoint}`;
    expect(ran.about).toMatch(new RegExp(`^Working on ${place}\\. `));
    expect(ran.stdout).toContain(`in ${place}`);
  });
});

test("Ctrl-C at a question is 130, and nothing is done", async () => {
  const { service, key, license } = await newLicense(engine);
  const before = await service.item(key);
  const stop = new AbortController();
  const ran = await license(["suspend", key], {
    stop: stop.signal,
    answer: async () => {
      stop.abort();
      return false;
    },
  });
  expect(ran).toMatchObject({ exitCode: 130, stdout: "" });
  expect(await service.item(key)).toEqual(before);
});
