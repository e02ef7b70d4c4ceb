import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Session } from "../../../lambdas/rules/entry.ts";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { startDynalite } from "../../support/engines.ts";
import { type CommandResult, operator } from "../../support/license-command.ts";
import { openTestService } from "../../support/test-service.ts";

const device = "device-a-0123456789";
const dayMs = 86_400_000;

let engine: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());

async function newLicense(attributes: { days?: number } = {}) {
  const service = openTestService(engine);
  const { days } = attributes;
  const key = await service.license({
    email: "ada@example.com",
    ...(days !== undefined && { expiresAtMs: service.nowMs() + days * dayMs }),
  });
  const license = operator(engine, { now: service.nowMs });
  const claim = (symbol?: string) =>
    service.validate({ license_key: key, device_fingerprint: device, symbol });
  return { service, key, id: licenseIdOf(key), license, claim };
}

function json({ exitCode, stdout, stderr }: CommandResult) {
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout);
}

function expectRefused({ exitCode, stdout }: CommandResult) {
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
}

describe("show", () => {
  test("shows standing, days left, and of each session who holds it and for how long", async () => {
    const { service, key, license, claim } = await newLicense({ days: 30 });
    await claim("ES");
    await service.heartbeat({
      license_key: key,
      device_fingerprint: device,
      symbol: "ES",
      bot_version: "1.2",
      status: "trading",
      metadata: { trades: 3 },
    });
    service.passSeconds(40);
    await claim("NQ");
    service.passSeconds(25);
    const shown = json(await license(["show", key, "--json"]));
    expect(shown).toMatchObject({
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
    const { service, key, license, claim } = await newLicense();
    service.deploy({ sessionTimeoutSeconds: 90 });
    await claim();
    service.passSeconds(70);
    const shown = json(await license(["show", key, "--json"]));
    expect(shown.sessions["*"]).toMatchObject({ state: "live", seconds_left: 20 });
  });

  test("a license is named by its key, its id, or a beginning of the id", async () => {
    const { key, id, license } = await newLicense();
    for (const name of [key, ` ${key} `, id, id.toUpperCase(), id.slice(0, 8), id.slice(0, 12)]) {
      expect(json(await license(["show", name, "--json"])).license_id).toBe(id);
    }
  });

  test("a beginning that two ids have names none, and both are listed; nor does a short one", async () => {
    const { service, key, id, license } = await newLicense();
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
  const steering = `\u001b[2J\u009b31m${"x".repeat(230)}\u202e\u2028`;
  const control = /[\p{C}\p{Zl}\p{Zp}]/u;

  async function steered() {
    const made = await newLicense();
    const bot = { license_key: made.key, device_fingerprint: steering };
    await made.service.validate(bot);
    await made.service.heartbeat({
      ...bot,
      status: "\u001b[31m",
      metadata: { text: "y".repeat(900) },
    });
    await made.license(["set", made.key, "--email", "ada@example.com"]);
    await made.service.change(made.key, { email: `\u001b]0;x\u0007@x`, license_type: "\u009b2J" });
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
    const { service, key, license, claim } = await newLicense();
    await claim();
    const beat = () => service.heartbeat({ license_key: key, device_fingerprint: device });
    const suspended = await license(["suspend", key, "--yes"]);
    expect(suspended.stdout).toMatch(/^standing +active +suspended$/m);
    expect((await beat()).body.code).toBe("license_suspended");
    const activated = json(await license(["activate", key, "--json"]));
    expect(activated).toMatchObject({
      changed: true,
      before: { status: "suspended", live_sessions: 1 },
      after: { status: "active", live_sessions: 1 },
    });
    expect((await beat()).body.code).toBe("recorded");
    await license(["cancel", key, "--yes"]);
    expect((await beat()).body.code).toBe("license_cancelled");
  });

  test("done twice is done once", async () => {
    const { service, key, license } = await newLicense();
    await license(["suspend", key, "--yes"]);
    const item = await service.item(key);
    const again = json(await license(["suspend", key, "--json"]));
    expect(again).toMatchObject({ changed: false, after: { status: "suspended" } });
    expect(await service.item(key)).toEqual(item);
  });
});

describe("a verb that destroys", () => {
  test.for([
    ["suspend"],
    ["cancel"],
    ["end-session"],
    ["rekey"],
    ["extend", "--until", "2026-02-01"],
  ])(
    "%s asks, and does nothing on a no or without anybody to ask",
    async ([verb = "", ...options]) => {
      const { service, key, license, claim } = await newLicense({ days: 300 });
      await claim();
      const item = await service.item(key);
      const alone = await license([verb, key, ...options]);
      expectRefused(alone);
      expect(alone.stderr).toContain("--yes");
      expectRefused(await license([verb, key, ...options], { answer: false }));
      expect(await service.item(key)).toEqual(item);
      expect((await license([verb, key, ...options], { answer: true })).exitCode).toBe(0);
      expect(await service.item(key)).not.toEqual(item);
    },
  );
});

describe("extend", () => {
  test("adds days to the end, or to now once that is past", async () => {
    const { service, key, license } = await newLicense({ days: 10 });
    await license(["extend", key, "--days", "5"]);
    expect((await service.item(key))?.license_expiration).toBe(service.nowMs() + 15 * dayMs);
    service.passMs(100 * dayMs);
    const shown = await license(["extend", key, "--days", "5"]);
    expect(shown.stdout).toMatch(/^standing +expired +active$/m);
    expect((await service.item(key))?.license_expiration).toBe(service.nowMs() + 5 * dayMs);
  });

  test("moves the end to a date in UTC", async () => {
    const { service, key, license } = await newLicense({ days: 10 });
    expect((await license(["extend", key, "--until", "2027-01-31"])).exitCode).toBe(0);
    expect((await service.item(key))?.license_expiration).toBe(Date.UTC(2027, 0, 31));
  });

  test("--until never takes the end away", async () => {
    const { service, key, license } = await newLicense({ days: 10 });
    const shown = await license(["extend", key, "--until", "never"]);
    expect(shown.stdout).toMatch(/^expires +2026.* never$/m);
    expect(await service.item(key)).not.toHaveProperty("license_expiration");
    const again = json(await license(["extend", key, "--until", "never", "--json"]));
    expect(again).toMatchObject({ changed: false });
  });

  test("a license that never expires has nothing to extend", async () => {
    const { key, license } = await newLicense();
    expectRefused(await license(["extend", key, "--days", "5"]));
  });

  test("of two operators who extend at once one is refused and has to look again", async () => {
    const { service, key, license } = await newLicense({ days: 10 });
    const ran = await Promise.all([1, 2].map(() => license(["extend", key, "--days", "5"])));
    const expected =
      service.nowMs() + (10 + 5 * ran.filter((one) => one.exitCode === 0).length) * dayMs;
    expect((await service.item(key))?.license_expiration).toBe(expected);
  });
});

describe("set", () => {
  test("changes what is given, and keeps sessions", async () => {
    const { service, key, license, claim } = await newLicense();
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
});

describe("end-session", () => {
  const b = "device-b-0123456789";

  test("its bot is refused and stops; the next device is let in when its lease is over", async () => {
    const { service, key, license, claim } = await newLicense();
    const { session_id } = (await claim("ES")).body;
    await claim("NQ");
    service.passSeconds(12);
    const ran = await license(["end-session", key, "--symbol", "es", "--yes", "--json"]);
    const ended = json(ran);
    expect(ended.before.sessions.ES).toMatchObject({ state: "live", seconds_left: 48 });
    expect(ended.after.sessions).toMatchObject({
      ES: { state: "ended", seconds_left: 48, vacated_by: device },
      NQ: { state: "live" },
    });
    expect(ended.message).toBe(
      "The bot on device-a... is refused at its next heartbeat (session_ended). Another device may claim ES in 48 s.",
    );
    const symbol = { license_key: key, symbol: "ES" };
    const beat = { ...symbol, device_fingerprint: device, session_id };
    const rival = { ...symbol, device_fingerprint: b };
    service.passMs(47_999);
    expect((await service.heartbeat(beat)).body.code).toBe("session_ended");
    expect((await service.validate(rival)).body.code).toBe("session_conflict");
    service.passMs(1);
    expect((await service.validate(rival)).body.code).toBe("granted");
  });

  test.for(["btc/usdt:usdt", "CME_MINI:ES1!", " ES 12-26 ", "~".repeat(64), undefined])(
    "--symbol takes what a bot names: %s",
    async (symbol) => {
      const { service, key, license, claim } = await newLicense();
      await claim(symbol);
      await license(["end-session", key, "--symbol", symbol ?? "*", "--yes"]);
      const { sessions = {} } = (await service.item(key)) ?? {};
      const stored = symbol?.trim().toUpperCase() ?? "*";
      expect(sessions).toEqual({
        [stored]: expect.objectContaining({ ended_at: expect.any(Number) }),
      });
    },
  );

  test("the same device may claim again at once", async () => {
    const { license, key, claim } = await newLicense();
    await claim("ES");
    await license(["end-session", key, "--yes"]);
    expect((await claim("ES")).body.code).toBe("granted");
  });

  test("--now lets the next device in at once, and says what that risks, before and after", async () => {
    const { service, key, license, claim } = await newLicense();
    const { session_id } = (await claim("ES")).body;
    const ran = await license(["end-session", key, "--now"], { answer: true });
    expect(ran.stderr).toContain("may go on trading beside the next device");
    expect(ran.stdout).toContain("may claim ES now; the bot may still trade for up to 60 s");
    const symbol = { license_key: key, symbol: "ES" };
    const beat = { ...symbol, device_fingerprint: device, session_id };
    expect((await service.heartbeat(beat)).body.code).toBe("session_ended");
    const rival = { ...symbol, device_fingerprint: b };
    expect((await service.validate(rival)).body.code).toBe("granted");
  });

  test("--now after an end without it frees the key that waits; ended twice is ended once", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    await license(["end-session", key, "--yes"]);
    service.passSeconds(10);
    const again = json(await license(["end-session", key, "--json"]));
    expect(again).toMatchObject({ changed: false });
    expect(again.message).toContain("ES is free in 50 s");
    await license(["end-session", key, "--now", "--yes"]);
    const rival = { license_key: key, symbol: "ES", device_fingerprint: b };
    expect((await service.validate(rival)).body.code).toBe("granted");
  });

  test("a replaced process of the same device is waited for, too", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    service.passSeconds(5);
    await service.heartbeat({ license_key: key, device_fingerprint: device, symbol: "ES" });
    await claim("ES");
    await service.change(key, {
      sessions: {
        ES: {
          ...((await service.item(key))?.sessions.ES as Session),
          contested_until: service.nowMs() + 90_000,
        },
      },
    });
    const ended = json(await license(["end-session", key, "--yes", "--json"]));
    expect(ended.after.sessions.ES.seconds_left).toBe(90);
  });

  test("--all ends every one, of any symbol and of none", async () => {
    const { service, key, license, claim } = await newLicense();
    for (const symbol of ["ES", "NQ", undefined]) await claim(symbol);
    expect((await license(["end-session", key, "--all", "--yes"])).exitCode).toBe(0);
    const { sessions = {} } = (await service.item(key)) ?? {};
    expect(Object.keys(sessions).sort()).toEqual(["*", "ES", "NQ"]);
    for (const entry of Object.values(sessions))
      expect(entry).toMatchObject({ ended_at: expect.any(Number) });
  });

  test("--all works on a license that has no fencing token yet", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    await service.change(key, { fencing_token: undefined } as never);
    expect((await license(["end-session", key, "--all", "--yes"])).exitCode).toBe(0);
  });

  test("an entry that nobody can read goes", async () => {
    const { service, key, license } = await newLicense();
    await service.change(key, { sessions: { ES: { odd: [1, "x"] } } } as never);
    const ran = await license(["end-session", key, "--yes"]);
    expect(ran.stdout).toContain("Session ES is gone");
    expect((await service.item(key))?.sessions).toEqual({});
  });

  test("of several it wants to know which, and it ends none that is not there", async () => {
    const { key, license, claim } = await newLicense();
    for (const symbol of ["ES", "NQ"]) await claim(symbol);
    const unclear = await license(["end-session", key, "--yes"]);
    expect(unclear).toMatchObject({ exitCode: 2, stdout: "" });
    expect(unclear.stderr).toContain("ES, NQ");
    expectRefused(await license(["end-session", key, "--symbol", "CL", "--yes"]));
  });

  test("a session that was claimed anew while the operator thought about it stays", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    const ran = await license(["end-session", key, "--symbol", "ES"], {
      answer: async () => (await claim("ES")).status === 200,
    });
    expectRefused(ran);
    expect(ran.stderr).toContain("Nothing was done. Claimed just now, so not ended: ES.");
    expect((await service.item(key))?.sessions.ES).toHaveProperty("session_id");
  });

  test("a session that its bot released during the question is reported as released", async () => {
    const { service, key, license, claim } = await newLicense();
    const ids: Record<string, unknown> = {};
    for (const symbol of ["ES", "NQ"]) ids[symbol] = (await claim(symbol)).body.session_id;
    const release = (symbol: string) => async () => {
      const bot = { license_key: key, device_fingerprint: device, session_id: ids[symbol] };
      return (await service.release({ ...bot, symbol })).body.code === "released";
    };
    const all = await license(["end-session", key, "--all"], { answer: release("ES") });
    expect(all.stdout).toContain("Released just now, so there is nothing to end: ES.");
    expect(all.stdout).not.toContain("Claimed");
    expect((await service.item(key))?.sessions).toEqual({ NQ: expect.anything() });
    ids.NQ = (await claim("NQ")).body.session_id;
    service.passSeconds(60);
    const one = await license(["end-session", key], { answer: release("NQ") });
    expectRefused(one);
    expect(one.stderr).toContain("Nothing was done. Released just now");
  });

  test("what a release leaves for a replaced process is ended, too: its bot is refused as ended", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    const { session_id } = (await claim("ES")).body;
    const bot = { license_key: key, device_fingerprint: device, symbol: "ES", session_id };
    const ran = await license(["end-session", key], {
      answer: async () => (await service.release(bot)).body.code === "released",
    });
    expect(ran.stdout).toContain("Another device may claim ES in 60 s.");
    expect((await service.item(key))?.sessions.ES).toMatchObject({
      ended_at: expect.any(Number),
      vacated_by: device,
    });
    expect((await service.heartbeat(bot)).body.code).toBe("session_ended");
  });

  test("a session that only had a heartbeat meanwhile is ended, with the lease of that heartbeat", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    service.passSeconds(20);
    const beat = { license_key: key, device_fingerprint: device, symbol: "ES" };
    const ran = await license(["end-session", key, "--json"], {
      answer: async () => (await service.heartbeat(beat)).status === 200,
    });
    expect(json({ ...ran, stderr: "" }).after.sessions.ES).toMatchObject({
      state: "ended",
      seconds_left: 60,
    });
  });

  test("the report counts from the end itself, not from the question", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    const ran = await license(["end-session", key], {
      answer: async () => {
        service.passSeconds(35);
        return true;
      },
    });
    expect(ran.stdout).toContain("Another device may claim ES in 25 s.");
    expect(await service.item(key)).toMatchObject({ changed_at: service.nowMs() });
  });

  test("--now names the lease that the bot got while the operator thought about it", async () => {
    const { service, key, license, claim } = await newLicense();
    const { session_id } = (await claim("ES")).body;
    const bot = { license_key: key, device_fingerprint: device, symbol: "ES", session_id };
    const ran = await license(["end-session", key, "--now", "--json"], {
      answer: async () => {
        service.passSeconds(70);
        return (await service.heartbeat(bot)).status === 200;
      },
    });
    const { before, after, message } = json({ ...ran, stderr: "" });
    expect(before.sessions.ES).toMatchObject({ state: "live", seconds_left: 60 });
    expect(after.sessions.ES).toMatchObject({ lapses_at: 0, ended_at: service.nowMs() });
    expect(message).toContain("may claim ES now; the bot may still trade for up to 60 s");
  });

  test("--all names what was claimed while the operator thought about it, and leaves it", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim("ES");
    const ran = await license(["end-session", key, "--all"], {
      answer: async () => (await claim("NQ")).status === 200,
    });
    expect(ran.stdout).toContain("Claimed just now, so not ended: NQ.");
    const { sessions } = (await service.item(key)) ?? {};
    expect(sessions).toMatchObject({
      ES: { ended_at: expect.any(Number) },
      NQ: { device_fingerprint: device },
    });
  });
});

describe("a verb for a license that is not there", () => {
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
    "%s is refused, makes no row, and does not repeat the name",
    async ([verb = "", ...options]) => {
      const { license } = await newLicense();
      const before = json(await license("list --json")).length;
      const ran = await license([verb, "SOME-KEY-OF-NOBODY", ...options]);
      expectRefused(ran);
      expect(ran.stderr).not.toContain("SOME-KEY");
      expect(json(await license("list --json"))).toHaveLength(before);
    },
  );
});

describe("create", () => {
  test("of a key that exists makes nothing, and says so", async () => {
    const { key, license } = await newLicense();
    const before = await license(["show", key, "--json"]);
    const ran = await license(["create", "--key", key]);
    expectRefused(ran);
    expect(ran.stderr).toContain("exists already");
    expect(await license(["show", key, "--json"])).toEqual(before);
  });

  test("prints the key once, in the shape that show has", async () => {
    const { license } = await newLicense();
    const created = json(await license("create --days 30 --json"));
    const { license_key, table, ...shape } = created;
    expect(license_key).toMatch(/^[A-Z0-9]{4}(-[A-Z0-9]{4}){3}$/);
    expect(table).toBe(`table Sessions at ${engine.endpoint}`);
    expect(json(await license(["show", license_key, "--json"]))).toEqual(shape);
  });
});

describe("delete", () => {
  test("leaves nothing of a license, and its bot stops at its next heartbeat", async () => {
    const { service, key, license, claim } = await newLicense();
    await claim();
    const ran = await license(["delete", key], { answer: true });
    expect(ran.stderr).toContain("ada@example.com");
    expect(ran.stdout).toContain("Deleted.");
    expect(await service.item(key)).toBeUndefined();
    const beat = await service.heartbeat({ license_key: key, device_fingerprint: device });
    expect(beat.body).toMatchObject({ code: "license_unknown" });
  });

  const gold = join(mkdtempSync(join(tmpdir(), "license-sessions-delete-")), "gold.csv");
  afterAll(() => rmSync(dirname(gold), { recursive: true }));

  const changes = {
    set: ["KEY", "--type", "pro"],
    rekey: ["KEY", "--yes"],
    import: [gold, "--replace", "--yes"],
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
      const { service, key, license } = await newLicense();
      if (changedBefore) await license(["set", key, "--type", "silver"]);
      writeFileSync(
        gold,
        `license_key,email,license_type,license_status,license_expiration\n${key},,gold,active,\n`,
      );
      const change = [verb, ...changes[verb].map((word) => (word === "KEY" ? key : word))];
      const ran = await license(["delete", key], {
        answer: async () => (await license(change)).exitCode === 0,
      });
      expectRefused(ran);
      expect(await service.item(key)).toBeDefined();
    },
  );
});

describe("several licenses at once", () => {
  test("are changed each, after one question that names them all", async () => {
    const one = await newLicense();
    const two = await newLicense();
    const ran = await one.license(["suspend", one.key, two.id, one.id], { answer: true });
    expect(ran.stderr).toContain(one.id.slice(0, 12));
    expect(ran.stderr).toContain(two.id.slice(0, 12));
    for (const { service, key } of [one, two]) {
      expect(await service.item(key)).toMatchObject({ status: "suspended" });
    }
    const { stdout } = await one.license(["activate", one.key, two.key, "--json"]);
    const lines = stdout.trim().split("\n");
    expect(lines.map((line) => JSON.parse(line).license_id)).toEqual([one.id, two.id]);
  });

  test("one that somebody else changed meanwhile is named and stays, and the others are changed", async () => {
    const one = await newLicense();
    const two = await newLicense();
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
    const { service, key, license } = await newLicense({ days: 10 });
    const before = await service.item(key);
    const missing = await license(["suspend", key, "NOBODY", "--yes"]);
    expectRefused(missing);
    expect(missing.stderr).toContain("License 2 of 2");
    expect(await service.item(key)).toEqual(before);
  });
});

describe("who changed a license", () => {
  test("when and why is kept for the last change, and shown", async () => {
    const { service, key, license } = await newLicense();
    await license(["set", key, "--type", "pro", "--reason", "bought more"]);
    const first = await service.item(key);
    expect(first).toMatchObject({ changed_at: service.nowMs(), change_reason: "bought more" });
    expect(first).toHaveProperty("changed_by", expect.stringContaining("@"));
    expect((await license(["show", key])).stdout).toMatch(/^last change .* by .*: bought more$/m);
    await license(["set", key, "--type", "gold"]);
    expect(await service.item(key)).not.toHaveProperty("change_reason");
  });

  test("is in the answer and before it: which table it is about", async () => {
    const { key, license } = await newLicense();
    const ran = await license(["set", key, "--type", "pro"]);
    const place = `table Sessions at ${engine.endpoint}`;
    expect(ran.about).toMatch(new RegExp(`^Working on ${place}\\. `));
    expect(ran.stdout).toContain(`in ${place}`);
  });
});

describe("Ctrl-C at a question", () => {
  test("is 130, and nothing is done", async () => {
    const { service, key, license } = await newLicense();
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
});
