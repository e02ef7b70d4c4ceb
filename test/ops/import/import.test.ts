import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/license-key.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { startMeter } from "../../support/meter.ts";
import { openScene } from "../../support/scene.ts";

const header = "license_key,email,license_type,license_status,license_expiration";
const folder = mkdtempSync(join(tmpdir(), "license-sessions-import-"));
afterAll(() => rmSync(folder, { recursive: true }));

let engine: Awaited<ReturnType<typeof startDynalite>>;
let license: ReturnType<typeof operator>;
let scene: ReturnType<typeof openScene>;
beforeEach(async () => {
  engine = await startDynalite();
  scene = openScene(engine);
  license = operator(engine, { now: scene.nowMs });
  return () => engine.stop();
});

let filesMade = 0;
function csv(...lines: string[]): string {
  return fileOf(`${lines.join("\n")}\n`);
}

function fileOf(text: string | Buffer): string {
  filesMade += 1;
  const file = join(folder, `${filesMade}.csv`);
  writeFileSync(file, text);
  return file;
}

async function count(): Promise<number> {
  return JSON.parse((await license("list --json")).stdout).length;
}

describe("import", () => {
  test("brings over what the old table has", async () => {
    const file = csv(
      header,
      "KEY-1,ada@example.com,pro,ACTIVE,2027-01-31 18:00:00",
      "KEY-2,,,Suspended,",
      'KEY-3,bob@example.com,"pro, yearly",cancelled,2027-01-31 18:00:00.5+02',
      'KEY-4,eve@example.com,"say ""hi""",active,infinity',
    );
    const ran = await license(["import", file]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "" });
    expect(ran.stdout).toBe("4 rows: 4 created, 0 replaced, 0 left as they were.\n");
    const always = { created_at: scene.nowMs(), max_sessions: 20, fencing_token: 0, sessions: {} };
    expect(await scene.item("KEY-1")).toEqual({
      ...always,
      license_id: licenseIdOf("KEY-1"),
      status: "active",
      email: "ada@example.com",
      license_type: "pro",
      license_expiration: Date.UTC(2027, 0, 31, 18),
    });
    expect(await scene.item("KEY-2")).toEqual({
      ...always,
      license_id: licenseIdOf("KEY-2"),
      status: "suspended",
      license_type: "standard",
    });
    expect(await scene.item("KEY-3")).toMatchObject({
      license_type: "pro, yearly",
      license_expiration: Date.UTC(2027, 0, 31, 16, 0, 0, 500),
    });
    expect(await scene.item("KEY-4")).toMatchObject({ license_type: 'say "hi"' });
  });

  test("understands a byte order mark, CRLF, blank lines, columns in any order and unknown ones", async () => {
    const file = fileOf(
      "\uFEFFid,license_status,license_key,email,license_type,license_expiration\r\n" +
        '7,active,KEY-1,ada@example.com,"pro, yearly",2027-01-31\r\n\r\n8,active,KEY-2,,pro,',
    );
    const ran = await license(["import", file]);
    expect(ran).toMatchObject({ exitCode: 0, stderr: "Not imported: the columns id.\n" });
    expect(await scene.item("KEY-1")).toMatchObject({ license_type: "pro, yearly" });
    expect(await scene.item("KEY-2")).toMatchObject({ status: "active" });
  });

  test("leaves what exists as it is, so a second run changes nothing", async () => {
    const file = csv(header, "KEY-1,,pro,active,", "KEY-2,,pro,active,");
    await scene.license({ licenseKey: "KEY-1", licenseType: "mine" });
    const before = await scene.item("KEY-1");
    expect((await license(["import", file])).stdout).toContain("1 created, 0 replaced, 1 left");
    expect(await scene.item("KEY-1")).toEqual(before);
    expect((await license(["import", file])).stdout).toContain("0 created, 0 replaced, 2 left");
  });

  test("--replace makes it what the file says, and keeps live sessions and what the file leaves out", async () => {
    const file = csv(header, "KEY-1,,pro,active,2027-01-31", "KEY-2,,pro,active,");
    await scene.license({ licenseKey: "KEY-1", email: "old@example.com", maxSessions: 3 });
    const bot = { license_key: "KEY-1", device_fingerprint: "device-a-0123456789" };
    const { session_id } = (await scene.validate(bot)).body;
    const before = await scene.item("KEY-1");
    const ran = await license(["import", file, "--replace", "--yes", "--json"]);
    expect(JSON.parse(ran.stdout)).toEqual({
      rows: 2,
      created: 1,
      replaced: 1,
      kept: 0,
      complete: true,
    });
    const { email, ...others } = before ?? {};
    expect(await scene.item("KEY-1")).toEqual({
      ...others,
      license_type: "pro",
      license_expiration: Date.UTC(2027, 0, 31),
    });
    expect((await scene.heartbeat({ ...bot, session_id })).status).toBe(200);
    expect(await scene.item("KEY-2")).toMatchObject({ max_sessions: 20, sessions: {} });
  });

  test("--replace asks, and does nothing without an answer", async () => {
    const file = csv(header, "KEY-1,,pro,active,");
    expect(await license(["import", file, "--replace"])).toMatchObject({ exitCode: 1, stdout: "" });
    expect(await count()).toBe(0);
  });

  test("a key that was replaced by rekey does not come back, not even with --replace", async () => {
    const file = csv(header, "KEY-1,,pro,active,");
    await license(["import", file]);
    await license("rekey KEY-1 --yes");
    const { stdout } = await license(["import", file, "--replace", "--yes"]);
    expect(stdout).toContain("1 left as they were");
    expect(await scene.item("KEY-1")).toMatchObject({ status: "cancelled" });
  });

  test("reads an export again: another table then has the same licenses", async () => {
    const file = csv(
      header,
      'KEY-1,ada@example.com,"pro, yearly",active,2027-01-31 18:00:00',
      "KEY-2,,,suspended,",
      "KEY-3,,,active,",
    );
    await license(["import", file]);
    await license("rekey KEY-3 --yes");
    const exported = fileOf((await license("export")).stdout);
    const before = (await license("export")).stdout.split("\n").sort();
    const other = await startDynalite();
    const elsewhere = operator(other);
    expect((await elsewhere(["import", exported])).exitCode).toBe(0);
    expect((await elsewhere("export")).stdout.split("\n").sort()).toEqual(before);
    await elsewhere(["import", exported, "--replace", "--yes"]);
    expect((await elsewhere("export")).stdout.split("\n").sort()).toEqual(before);
    await other.stop();
  });
});

describe("a bad file: every bad line by its number, no cell repeated, nothing written", () => {
  test("all of them at once", async () => {
    const file = csv(
      header,
      "KEY-1,,pro,active,",
      "KEY 2,,pro,active,",
      ",,pro,active,",
      "KEY-4,,pro,frozen,2027-02-30",
      "KEY-5,nobody,pro,active,",
      'KEY-6,,"two',
      'lines",active,',
      "KEY-1,,pro,active,",
      "KEY-8,,pro,active",
      "KEY-9,,pro,active,,more",
      `${"K".repeat(129)},,pro,active,`,
    );
    const ran = await license(["import", file]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    const expected = [
      [3, "license_key has a space in it"],
      [4, "license_key is empty"],
      [5, "license_status must be active, suspended or cancelled; license_expiration is no date"],
      [6, "email is no e-mail address"],
      [7, "license_type must be 1 to 64 characters"],
      [9, "the same license as on line 2"],
      [10, "it has 4 fields where the header has 5"],
      [11, "it has 6 fields where the header has 5"],
      [12, "license_key must be 1 to 128"],
    ] as const;
    const lines = ran.stderr.trim().split("\n");
    for (const [index, [line, problem]] of expected.entries()) {
      expect(lines[index]).toContain(`line ${line}: ${problem}`);
    }
    expect(lines.slice(expected.length)).toEqual(["9 lines are bad; nothing was written."]);
    expect(ran.stderr).not.toMatch(/KEY-|frozen|nobody/);
    expect(await count()).toBe(0);
  });

  test.for([
    ["an empty file", "", "line 1: the file is empty"],
    ["no header", "KEY-1,,pro,active,\n", "line 1: the header must name the columns"],
    ["another separator", header.replaceAll(",", ";"), "with commas between"],
    ["a column twice", `${header},email\n`, "line 1: the header has the column email twice"],
    ["an open quote", `${header}\nKEY-1,,pro,active,\nK,"x,p\n`, "line 3: a quote is opened"],
    [
      "a quote within",
      `${header}\r\nKEY-1,,"a\r\nb",active,\r\nK,x"y,p,active,`,
      "line 4: a quote",
    ],
    ["no UTF-8", Buffer.from(`${header}\nK,,caf\xe9,active,\n`, "latin1"), "of UTF-8 text"],
  ] as const)("%s", async ([, text, problem]) => {
    const ran = await license([
      "import",
      fileOf(typeof text === "string" ? text : Buffer.from(text)),
    ]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain(problem);
    expect(ran.stderr).toContain("nothing was written");
    expect(await count()).toBe(0);
  });

  test("a file that is not there, and a folder", async () => {
    expect((await license(["import", join(folder, "none.csv")])).exitCode).toBe(1);
    expect((await license(["import", folder])).exitCode).toBe(1);
  });
});

describe("an import that is broken off", () => {
  const rows = Array.from({ length: 400 }, (_, index) => `KEY-${index},,pro,active,`);

  test("by Ctrl-C says how far it came, and run again it has the same end", async () => {
    const file = csv(header, ...rows);
    const meter = await startMeter(engine);
    const stop = new AbortController();
    meter.onCall(() => {
      if (meter.calls.length === 100) stop.abort();
      return undefined;
    });
    const metered = operator(meter, { now: scene.nowMs });
    const ran = await metered(["import", file], { stop: stop.signal });
    await meter.stop();
    expect(ran.exitCode).toBe(130);
    const [, written] = /^Stopped after (\d+) of 400 rows/.exec(ran.stderr) ?? [];
    expect(await count()).toBe(Number(written));
    expect(Number(written)).toBeLessThan(400);
    expect((await license(["import", file])).exitCode).toBe(0);
    expect(await count()).toBe(400);
  });

  test("by a database that goes away says so, and run again it has the same end", async () => {
    const file = csv(header, ...rows);
    const meter = await startMeter(engine);
    meter.onCall(() => (meter.calls.length > 100 ? "break off" : undefined));
    const ran = await operator(meter, { now: scene.nowMs })(["import", file]);
    await meter.stop();
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toMatch(/^Broken off after \d+ of 400 rows.*Run the same command again/);
    expect((await license(["import", file])).exitCode).toBe(0);
    expect(await count()).toBe(400);
  });

  test("by throttling goes on by itself when that is over, and never writes all at once", async () => {
    const file = csv(header, ...rows.slice(0, 60));
    const meter = await startMeter(engine);
    meter.onCall(() => (meter.calls.length % 20 === 0 ? "throttle" : undefined));
    const ran = await operator(meter, { now: scene.nowMs })(["import", file]);
    await meter.stop();
    expect(ran.exitCode).toBe(0);
    expect(await count()).toBe(60);
    expect(meter.mostAtOnce).toBeLessThanOrEqual(32);
  });
});
