import { NumberValue } from "@aws-sdk/lib-dynamodb";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { openTestService } from "../../support/test-service.ts";
import { dayMs, newLicense } from "../new-license.ts";

const manySessions = 150;
const beyondNumbers = NumberValue.from("9007199254740993.5");

const engine = await startDynalite();
const service = openTestService(engine);
const license = operator(engine, { now: service.nowMs });
beforeAll(async () => {
  const made: [string, object][] = [
    ["soon", { expiresAtMs: service.nowMs() + 5 * dayMs }],
    ["later", { expiresAtMs: service.nowMs() + 50 * dayMs }],
    ["past", { expiresAtMs: service.nowMs() - dayMs }],
    ["never", {}],
    ["suspended", {}],
  ];
  for (const [licenseKey, attributes] of made) {
    await service.license({ licenseKey, licenseType: licenseKey, ...attributes });
  }
  await license("suspend suspended --yes");
  // Several pages: an item of 9 kB each.
  await Promise.all(
    Array.from({ length: manySessions }, async (_, index) => {
      const licenseKey = `bot-${index}`;
      await service.license({ licenseKey, licenseType: "x".repeat(9_000) });
    }),
  );
});
afterAll(() => engine.stop());

async function typesOf(words: string): Promise<string[]> {
  const { exitCode, stdout } = await license(`${words} --json`);
  expect(exitCode).toBe(0);
  const found: { license_type: string }[] = JSON.parse(stdout);
  const types = found.map(({ license_type }) => license_type);
  return types.filter((type) => type.length < 20).sort();
}

/** Another table, without licenses. */
async function otherTable(options: { columns?: number } = {}) {
  const other = await startDynalite();
  onTestFinished(other.stop);
  const there = openTestService(other);
  return { there, theirs: operator(other, { now: there.nowMs, ...options }) };
}

describe("list", () => {
  test("--status judges what a license is worth now", async () => {
    expect(await typesOf("list --status active")).toEqual(["later", "never", "soon"]);
    expect(await typesOf("list --status expired")).toEqual(["past"]);
    expect(await typesOf("list --status suspended")).toEqual(["suspended"]);
    expect(await typesOf("list --status cancelled")).toEqual([]);
  });

  test("--expiring-within leaves out what has ended or never does, is suspended, or has another key", async () => {
    expect(await typesOf("list --expiring-within 60 --status active")).toEqual(["later", "soon"]);
    const { there, theirs } = await otherTable();
    for (const licenseKey of ["soon", "held", "leaked"]) {
      await there.license({ licenseKey, expiresAtMs: there.nowMs() + 3 * dayMs });
    }
    await theirs("suspend held leaked --yes");
    await theirs("rekey leaked --yes");
    const found = JSON.parse((await theirs("list --expiring-within 10 --json")).stdout);
    expect(found).toMatchObject([{ license_id: licenseIdOf("soon") }]);
  });

  test("reads every page, and no more of them than --limit needs", async () => {
    const all = JSON.parse((await license("list --json")).stdout);
    expect(all).toHaveLength(manySessions + 5);
    const { stdout } = await license("list --limit 3");
    expect(stdout.trim().split("\n")).toHaveLength(4);
  });

  test("a reader that goes away stops it, and is no error", async () => {
    let writes = 0;
    const ran = await license("list", {
      onOutput() {
        writes += 1;
        if (writes === 2) throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
      },
    });
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(writes).toBe(2);
  });

  test.for(["list", "list --json", "export"])(
    "%s of a table out of reach prints nothing",
    async (words) => {
      const ran = await operator({ endpoint: "http://127.0.0.1:1" })(words);
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    },
  );

  test("Ctrl-C stops it, and it says so", async () => {
    const stop = new AbortController();
    const ran = await license("list", { stop: stop.signal, onOutput: () => stop.abort() });
    expect(ran.exitCode).toBe(130);
    expect(ran.stderr).toMatch(/^Stopped after \d+ licenses\.$/m);
  });

  test.for([
    ["a time that no Date holds", { license_expiration: 9e15 }, "license_expiration"],
    ["a time in another type", { created_at: "yesterday" }, "created_at"],
    ["no status", { status: undefined }, "status"],
    ["no seats", { max_sessions: 0 }, "max_sessions"],
    ["no sessions", { sessions: undefined }, "sessions"],
    ["a number that JavaScript can't hold", { fencing_token: beyondNumbers }, "fencing_token"],
  ] as const)(
    "an item with %s is named and left out by every verb, and the others are there",
    async ([, attributes, named]) => {
      const { there, theirs } = await otherTable();
      await there.license({ licenseKey: "GOOD-1", email: "ada@example.com" });
      await there.license({ licenseKey: "ODD-1", email: "ada@example.com" });
      await there.change("ODD-1", attributes as never);
      const id = licenseIdOf("ODD-1").slice(0, 12);
      for (const words of ["list", "list --json", "online", "export", "find --email ada --json"]) {
        const ran = await theirs(words);
        expect(ran.exitCode).toBe(1);
        expect(ran.stderr).toContain(`The item ${id} can't be read as a license: ${named}`);
        expect(ran.stderr).toContain("1 item was left out; all the others are there.");
        if (words.includes("--json")) expect(JSON.parse(ran.stdout)).toHaveLength(1);
        expect(ran.stdout).not.toContain(id);
      }
      expect((await theirs("export")).stdout).toMatch(/#end-of-export\n$/);
      const shown = await theirs("show ODD-1");
      expect(shown).toMatchObject({ exitCode: 1, stdout: "" });
      expect(shown.stderr).toContain(named);
    },
  );

  test("what has a sensible default gets it, and a session that nobody can read is shown as such", async () => {
    const { there, theirs } = await otherTable();
    await there.license({ licenseKey: "ODD-1" });
    const far = { lapses_at: 9e15, last_heartbeat: 9e15, started_at: -9e15 };
    await there.change("ODD-1", {
      license_type: undefined,
      fencing_token: undefined,
      created_at: undefined,
      sessions: {
        ES: { device_fingerprint: 7 },
        NQ: { device_fingerprint: "device-a", session_id: "1", ...far },
      },
    } as never);
    const shown = await theirs("show ODD-1");
    expect(shown.exitCode).toBe(0);
    expect(shown.stdout).toMatch(/^type +standard$/m);
    expect(shown.stdout).toMatch(/^session ES +unreadable$/m);
    expect((await theirs("list")).stdout).toMatch(/ 1\+0\+1\?\/20 /);
    expect(shown.stdout).toMatch(/^ {2}last heartbeat +beyond the year 9999$/m);
    for (const words of ["list", "online", "export", "find --device dev"]) {
      expect((await theirs(words)).exitCode).toBe(0);
    }
  });
});

describe("list and find", () => {
  test("show lapsed sessions and the age of the last heartbeat, and find who holds and who held", async () => {
    const { there, theirs } = await otherTable({ columns: 80 });
    const license_key = await there.license({ email: "Ada.L@Example.com" });
    await there.license({ email: "bob@example.com" });
    const claim = (device_fingerprint: string, symbol: string) =>
      there.validate({ license_key, device_fingerprint, symbol });
    await claim("office-0001-tower", "ES");
    there.passSeconds(3 * 3_600);
    await claim("laptop-0002-of-ada", "NQ");
    there.passSeconds(5);
    const id = licenseIdOf(license_key).slice(0, 12);
    const listed = await theirs("list");
    expect(listed.stdout).toMatch(
      new RegExp(`^${id} +active +standard +never +1\\+1/20 +5 s +Ada`, "m"),
    );
    const byEmail = await theirs("find --email ada.l@EX");
    expect(byEmail.stdout.trim().split("\n")).toHaveLength(3);
    expect(byEmail.stdout).toMatch(/ES +office-0001-… +lapsed 3 h$/m);
    const byDevice = await theirs("find --device office-0...");
    expect(byDevice.stdout.trim().split("\n")).toHaveLength(2);
    expect(byDevice.stdout).not.toContain("laptop");
    expect(JSON.parse((await theirs("find --device laptop --json")).stdout)).toHaveLength(1);
    expect(JSON.parse((await theirs("find --email eve --json")).stdout)).toEqual([]);
  });

  test("have whole ids in a pipe, and ids that fit on a terminal", async () => {
    const { id, license, claim } = await newLicense(engine);
    await claim();
    for (const words of ["list", "find --email ada@", "online"]) {
      expect((await license(words)).stdout).toContain(id);
      const { stdout } = await license(words, { columns: 100 });
      expect(stdout).not.toContain(id);
      expect(stdout).toContain(`${id.slice(0, 12)} `);
    }
  });

  test("find a letter with an accent, however it was typed", async () => {
    const { id, json } = await newLicense(engine, { email: "jose\u0301@example.com" });
    expect(await json("find", "--email", "JOS\u00c9@")).toMatchObject([{ license_id: id }]);
  });

  test("--csv has a license a line, which a spreadsheet reads", async () => {
    const sold = { email: "=ada@example.com", licenseType: "a,b" };
    const { id, license } = await newLicense(engine, sold);
    const { stdout } = await license("list --csv");
    expect(stdout).toMatch(/^license_id,standing,license_type,email,/);
    expect(stdout).toContain(`${id},active,"a,b",'=ada@example.com,`);
  });
});

describe("online", () => {
  test("has every live session, newest heartbeat first, and none that lapsed or was rekeyed", async () => {
    const claim = (licenseKey: string, symbol?: string) =>
      service.validate({
        license_key: licenseKey,
        device_fingerprint: `device of ${licenseKey}`,
        symbol,
      });
    await claim("never", "OLD");
    service.passSeconds(60);
    await claim("soon");
    service.passSeconds(10);
    await claim("bot-7", "ES");
    service.passSeconds(10);
    await claim("later");
    const online = JSON.parse((await license("online --json")).stdout);
    expect(online.map((one: { device_fingerprint: string }) => one.device_fingerprint)).toEqual([
      "device of later",
      "device of bot-7",
      "device of soon",
    ]);
    expect(online[1]).toMatchObject({ symbol: "ES", seconds_left: 50 });
    const newest = JSON.parse((await license("online --limit 1 --json")).stdout);
    expect(newest).toEqual(online.slice(0, 1));
    await license("rekey later --yes");
    expect(JSON.parse((await license("online --json")).stdout)).toEqual(online.slice(1));
  });
});
