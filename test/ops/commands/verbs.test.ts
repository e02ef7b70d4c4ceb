import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/license-key.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator, type Ran } from "../../support/license-command.ts";
import { openScene } from "../../support/scene.ts";

const device = "device-a-0123456789";
const dayMs = 86_400_000;

let engine: Awaited<ReturnType<typeof startDynalite>>;
beforeAll(async () => {
  engine = await startDynalite();
});
afterAll(() => engine.stop());

async function newScene(attributes: { days?: number } = {}) {
  const scene = openScene(engine);
  const { days } = attributes;
  const key = await scene.license({
    email: "ada@example.com",
    ...(days !== undefined && { expiresAtMs: scene.nowMs() + days * dayMs }),
  });
  const license = operator(engine, { now: scene.nowMs });
  const claim = (symbol?: string) =>
    scene.validate({ license_key: key, device_fingerprint: device, symbol });
  return { scene, key, id: licenseIdOf(key), license, claim };
}

function json({ exitCode, stdout, stderr }: Ran) {
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  return JSON.parse(stdout);
}

function expectRefused({ exitCode, stdout }: Ran) {
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
}

describe("show", () => {
  test("tells standing, days left, and of each session who holds it and for how long", async () => {
    const { scene, key, license, claim } = await newScene({ days: 30 });
    await claim("ES");
    await scene.heartbeat({
      license_key: key,
      device_fingerprint: device,
      symbol: "ES",
      bot_version: "1.2",
      status: "trading",
      metadata: { trades: 3 },
    });
    scene.passSeconds(40);
    await claim("NQ");
    scene.passSeconds(25);
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

  test("judges by the time-out that the session was given", async () => {
    const { scene, key, license, claim } = await newScene();
    scene.deploy({ sessionTimeoutSeconds: 90 });
    await claim();
    scene.passSeconds(70);
    const shown = json(await license(["show", key, "--json"]));
    expect(shown.sessions["*"]).toMatchObject({ state: "live", seconds_left: 20 });
  });

  test("a license is named by its key, its id, or a beginning of the id", async () => {
    const { key, id, license } = await newScene();
    for (const name of [key, ` ${key} `, id, id.toUpperCase(), id.slice(0, 8), id.slice(0, 12)]) {
      expect(json(await license(["show", name, "--json"])).license_id).toBe(id);
    }
  });

  test("a beginning that two ids have, or one that is too short, names none", async () => {
    const { scene, key, id, license } = await newScene();
    const twin = `${id.slice(0, 10)}${"0".repeat(54)}`;
    await scene.change("twin", { ...(await scene.item(key)), license_id: twin });
    const ambiguous = await license(["show", id.slice(0, 8)]);
    expectRefused(ambiguous);
    expect(ambiguous.stderr).toContain("More than one");
    expectRefused(await license(["show", id.slice(0, 7)]));
  });

  test("what a bot calls itself can't steer the terminal, and no line is wider than 100", async () => {
    const { scene, key, license } = await newScene();
    const steering = `\u001b[2J${"x".repeat(240)}\u202e`;
    await scene.validate({ license_key: key, device_fingerprint: steering });
    await scene.heartbeat({
      license_key: key,
      device_fingerprint: steering,
      metadata: { text: "y".repeat(900) },
    });
    for (const words of [["show", key], ["online"], ["list"]]) {
      const { stdout } = await license(words);
      expect(stdout).not.toContain("\u001b");
      expect(stdout).not.toContain("\u202e");
      for (const line of stdout.split("\n")) expect([...line].length).toBeLessThanOrEqual(100);
    }
  });
});

describe("suspend, activate, cancel", () => {
  test("tell before and after, and bots feel it at once", async () => {
    const { scene, key, license, claim } = await newScene();
    await claim();
    const beat = () => scene.heartbeat({ license_key: key, device_fingerprint: device });
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
    const { scene, key, license } = await newScene();
    await license(["suspend", key, "--yes"]);
    const item = await scene.item(key);
    const again = json(await license(["suspend", key, "--json"]));
    expect(again).toMatchObject({ changed: false, after: { status: "suspended" } });
    expect(await scene.item(key)).toEqual(item);
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
      const { scene, key, license, claim } = await newScene({ days: 300 });
      await claim();
      const item = await scene.item(key);
      const alone = await license([verb, key, ...options]);
      expectRefused(alone);
      expect(alone.stderr).toContain("--yes");
      expectRefused(await license([verb, key, ...options], { answer: false }));
      expect(await scene.item(key)).toEqual(item);
      expect((await license([verb, key, ...options], { answer: true })).exitCode).toBe(0);
      expect(await scene.item(key)).not.toEqual(item);
    },
  );
});

describe("extend", () => {
  test("adds days to the end, or to now once that is past", async () => {
    const { scene, key, license } = await newScene({ days: 10 });
    await license(["extend", key, "--days", "5"]);
    expect((await scene.item(key))?.license_expiration).toBe(scene.nowMs() + 15 * dayMs);
    scene.passMs(100 * dayMs);
    const told = await license(["extend", key, "--days", "5"]);
    expect(told.stdout).toMatch(/^standing +expired +active$/m);
    expect((await scene.item(key))?.license_expiration).toBe(scene.nowMs() + 5 * dayMs);
  });

  test("moves the end to a date in UTC", async () => {
    const { scene, key, license } = await newScene({ days: 10 });
    expect((await license(["extend", key, "--until", "2027-01-31"])).exitCode).toBe(0);
    expect((await scene.item(key))?.license_expiration).toBe(Date.UTC(2027, 0, 31));
  });

  test("a license that never expires has nothing to extend", async () => {
    const { key, license } = await newScene();
    expectRefused(await license(["extend", key, "--days", "5"]));
  });

  test("of two operators who extend at once one is told to look again", async () => {
    const { scene, key, license } = await newScene({ days: 10 });
    const ran = await Promise.all([1, 2].map(() => license(["extend", key, "--days", "5"])));
    const expected =
      scene.nowMs() + (10 + 5 * ran.filter((one) => one.exitCode === 0).length) * dayMs;
    expect((await scene.item(key))?.license_expiration).toBe(expected);
  });
});

describe("set", () => {
  test("changes what is given, and keeps sessions", async () => {
    const { scene, key, license, claim } = await newScene();
    await claim();
    const before = await scene.item(key);
    await license(["set", key, "--max-sessions", "3", "--type", "pro", "--no-email"]);
    const { email, ...others } = before ?? {};
    expect(await scene.item(key)).toEqual({
      ...others,
      max_sessions: 3,
      license_type: "pro",
      change_id: expect.any(String),
    });
  });
});

describe("end-session", () => {
  test("frees the symbol when the right of its holder is over, and that bot is refused at once", async () => {
    const { scene, key, license, claim } = await newScene();
    await claim("ES");
    await claim("NQ");
    const ended = json(await license(["end-session", key, "--symbol", "es", "--yes", "--json"]));
    expect(ended.after.sessions).toMatchObject({
      ES: { state: "ended", seconds_left: 60 },
      NQ: { state: "live" },
    });
    const a = { license_key: key, device_fingerprint: device, symbol: "ES" };
    expect((await scene.heartbeat(a)).body.code).toBe("session_ended");
    const b = { ...a, device_fingerprint: "device-b-0123456789" };
    expect((await scene.validate(b)).body.code).toBe("session_conflict");
    scene.passSeconds(60);
    expect((await scene.validate(b)).body.code).toBe("granted");
  });

  test("--all ends every one, of any symbol and of none", async () => {
    const { scene, key, license, claim } = await newScene();
    for (const symbol of ["ES", "NQ", undefined]) await claim(symbol);
    expect((await license(["end-session", key, "--all", "--yes"])).exitCode).toBe(0);
    expect((await scene.item(key))?.sessions).toEqual({});
    expectRefused(await license(["end-session", key, "--all", "--yes"]));
  });

  test("of several it wants to know which, and it ends none that is not there", async () => {
    const { key, license, claim } = await newScene();
    for (const symbol of ["ES", "NQ"]) await claim(symbol);
    const unclear = await license(["end-session", key, "--yes"]);
    expect(unclear).toMatchObject({ exitCode: 2, stdout: "" });
    expect(unclear.stderr).toContain("ES, NQ");
    expectRefused(await license(["end-session", key, "--symbol", "CL", "--yes"]));
  });

  test("a session that was claimed anew while the operator thought about it stays", async () => {
    const { scene, key, license, claim } = await newScene();
    await claim("ES");
    const ran = await license(["end-session", key, "--symbol", "ES"], {
      answer: async () => (await claim("ES")).status === 200,
    });
    expectRefused(ran);
    expect((await scene.item(key))?.sessions.ES).toBeDefined();
  });

  test("--all ends none if one was claimed while the operator thought about it", async () => {
    const { scene, key, license, claim } = await newScene();
    await claim("ES");
    const ran = await license(["end-session", key, "--all"], {
      answer: async () => (await claim("NQ")).status === 200,
    });
    expectRefused(ran);
    const { sessions } = (await scene.item(key)) ?? {};
    expect(Object.keys(sessions ?? {}).sort()).toEqual(["ES", "NQ"]);
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
  ])(
    "%s is refused, makes no row, and does not repeat the name",
    async ([verb = "", ...options]) => {
      const { license } = await newScene();
      const before = json(await license("list --json")).length;
      const ran = await license([verb, "SOME-KEY-OF-NOBODY", ...options]);
      expectRefused(ran);
      expect(ran.stderr).not.toContain("SOME-KEY");
      expect(json(await license("list --json"))).toHaveLength(before);
    },
  );
});

describe("create", () => {
  test("prints the key once, in the shape that show has", async () => {
    const { license } = await newScene();
    const { license_key, ...created } = json(await license("create --days 30 --json"));
    expect(license_key).toMatch(/^[A-Z0-9]{4}(-[A-Z0-9]{4}){3}$/);
    expect(json(await license(["show", license_key, "--json"]))).toEqual(created);
  });
});
