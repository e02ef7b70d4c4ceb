import { randomUUID } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { afterAll, beforeEach, describe, expect, onTestFinished, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { startMeter } from "../../support/meter.ts";
import { openTestService } from "../../support/test-service.ts";

const header = "license_key,email,license_type,license_status,license_expiration";
const folder = mkdtempSync(join(tmpdir(), "license-sessions-import-"));
afterAll(() => rmSync(folder, { recursive: true }));

let engine: Awaited<ReturnType<typeof startDynalite>>;
let license: ReturnType<typeof operator>;
let service: ReturnType<typeof openTestService>;
beforeEach(async () => {
  engine = await startDynalite();
  service = openTestService(engine);
  license = operator(engine, { now: service.nowMs });
  return () => engine.stop();
});

function csv(...lines: string[]): string {
  return fileOf(`${lines.join("\n")}\n`);
}

function fileOf(text: string | Buffer): string {
  const file = join(folder, `${randomUUID()}.csv`);
  writeFileSync(file, text);
  return file;
}

/** Another table, and its operator. */
async function elsewhere() {
  const other = await startDynalite();
  onTestFinished(other.stop);
  return { there: openTestService(other), license: operator(other, { now: service.nowMs }) };
}

/** An operator whose calls to the table are judged. */
async function judged(
  judge: (calls: number, operation: string) => "refuse" | "break off" | "throttle" | undefined,
) {
  const meter = await startMeter(engine);
  onTestFinished(meter.stop);
  meter.onCall((operation) => judge(meter.calls.length, operation));
  return { meter, license: operator(meter, { now: service.nowMs }) };
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
    expect(ran.stdout).toBe(
      `4 rows: 4 created, 0 replaced, 0 left as they were, in table Sessions at ${engine.endpoint}.\n`,
    );
    const always = {
      created_at: service.nowMs(),
      max_sessions: 20,
      fencing_token: 0,
      portfolios: {},
      sessions: {},
      change_id: expect.any(String),
      changed_by: expect.any(String),
      changed_at: service.nowMs(),
    };
    expect(await service.item("KEY-1")).toEqual({
      ...always,
      license_id: licenseIdOf("KEY-1"),
      status: "active",
      email: "ada@example.com",
      license_type: "pro",
      license_expiration: Date.UTC(2027, 0, 31, 18),
    });
    expect(await service.item("KEY-2")).toEqual({
      ...always,
      license_id: licenseIdOf("KEY-2"),
      status: "suspended",
      license_type: "standard",
    });
    expect(await service.item("KEY-3")).toMatchObject({
      license_type: "pro, yearly",
      license_expiration: Date.UTC(2027, 0, 31, 16, 0, 0, 500),
    });
    expect(await service.item("KEY-4")).toMatchObject({ license_type: 'say "hi"' });
  });

  test("understands a byte order mark, CRLF, blank lines, columns in any order and unknown ones", async () => {
    const file = fileOf(
      "\uFEFFid,license_status,license_key,email,license_type,license_expiration\r\n" +
        '7,active,KEY-1,ada@example.com,"pro, yearly",2027-01-31\r\n\r\n8,active,KEY-2,,pro,',
    );
    const ran = await license(["import", file]);
    expect(ran).toMatchObject({
      exitCode: 0,
      stderr: expect.stringMatching(/^line 2: .*\nNot imported: the columns id\.\n$/),
    });
    expect(await service.item("KEY-1")).toMatchObject({ license_type: "pro, yearly" });
    expect(await service.item("KEY-2")).toMatchObject({ status: "active" });
  });

  test("leaves what exists as it is, so a second run changes nothing", async () => {
    const file = csv(header, "KEY-1,,pro,active,", "KEY-2,,pro,active,");
    await service.license({ licenseKey: "KEY-1", licenseType: "mine" });
    const before = await service.item("KEY-1");
    expect((await license(["import", file])).stdout).toContain("1 created, 0 replaced, 1 left");
    expect(await service.item("KEY-1")).toEqual(before);
    expect((await license(["import", file])).stdout).toContain("0 created, 0 replaced, 2 left");
  });

  test("--replace asks, makes it what the file says, and keeps live sessions and what the file leaves out", async () => {
    const file = csv(header, "KEY-1,,pro,active,2027-01-31", "KEY-2,,pro,active,");
    await service.license({ licenseKey: "KEY-1", email: "old@example.com", maxSessions: 3 });
    const bot = { license_key: "KEY-1", device_fingerprint: "device-a-0123456789" };
    const { session_id } = (await service.validate(bot)).body;
    const before = await service.item("KEY-1");
    expect(await license(["import", file, "--replace"])).toMatchObject({ exitCode: 1, stdout: "" });
    expect(await count()).toBe(1);
    const ran = await license(["import", file, "--replace", "--yes", "--json"]);
    expect(JSON.parse(ran.stdout)).toEqual({
      rows: 2,
      created: 1,
      replaced: 1,
      kept: 0,
      bad: 0,
      complete: true,
      dry_run: false,
      table: `table Sessions at ${engine.endpoint}`,
    });
    const { email, ...others } = before ?? {};
    expect(await service.item("KEY-1")).toEqual({
      ...others,
      license_type: "pro",
      license_expiration: Date.UTC(2027, 0, 31),
      change_id: expect.any(String),
      changed_by: expect.any(String),
      changed_at: service.nowMs(),
    });
    expect((await service.heartbeat({ ...bot, session_id })).status).toBe(200);
    expect(await service.item("KEY-2")).toMatchObject({ max_sessions: 20, sessions: {} });
  });

  test("a key that was replaced by rekey does not come back, not even with --replace", async () => {
    const file = csv(header, "KEY-1,,pro,active,");
    await license(["import", file]);
    await license("rekey KEY-1 --yes");
    const { stdout } = await license(["import", file, "--replace", "--yes"]);
    expect(stdout).toContain("1 left as they were");
    expect(await service.item("KEY-1")).toMatchObject({ status: "cancelled" });
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
    const other = await elsewhere();
    expect((await other.license(["import", exported])).exitCode).toBe(0);
    const withoutTokens = (lines: string[]) =>
      lines.map((line) => line.replace(/Z,\d+,(\w*),/, "Z,$1,"));
    const after = (await other.license("export")).stdout.split("\n").sort();
    expect(withoutTokens(after)).toEqual(withoutTokens(before));
    const again = await other.license(["import", exported, "--replace", "--yes"]);
    expect(again.stdout).toContain("0 replaced, 4 left");
  });

  test("takes what the old table holds: expired licenses, blanks about a key, odd addresses", async () => {
    const file = csv(
      header,
      "KEY-1 ,,,EXPIRED,2020-01-31",
      "KEY-2,no address,pro,expired,",
      'KEY-3,"""ada b""@example.com",pro,canceled,',
      "KEY-4,\u00fc@m\u00fcller.de,,active,",
    );
    const ran = await license(["import", file]);
    expect(ran.exitCode).toBe(0);
    expect(ran.stderr.trim().split("\n")).toEqual([
      "line 3: warning: it is expired, but has no end in the past; it ends with this import",
      "line 3: warning: email is not an e-mail address; it is imported as it is",
    ]);
    const first = await service.item("KEY-1");
    expect(first).toMatchObject({ status: "active", license_type: "standard" });
    expect(first).toMatchObject({ license_expiration: Date.UTC(2020, 0, 31) });
    expect(first).not.toHaveProperty("email");
    expect(await service.item("KEY-2")).toMatchObject({
      status: "active",
      email: "no address",
      license_expiration: service.nowMs(),
    });
    expect(await service.item("KEY-3")).toMatchObject({
      status: "cancelled",
      email: '"ada b"@example.com',
    });
    expect(await service.item("KEY-4")).not.toHaveProperty("license_expiration");
    const bot = { license_key: "KEY-2", device_fingerprint: "device-a-0123456789" };
    expect((await service.validate(bot)).body.code).toBe("license_expired");
  });

  test("an end that is a date without a time means its first instant, and the import says so and offers the last", async () => {
    const file = csv(header, "KEY-1,,pro,active,2027-01-31", "KEY-2,,pro,active,2027-01-31 18:00");
    const ran = await license(["import", file]);
    expect(ran.stderr).toContain("line 2: warning: its end is a date without a time");
    expect(ran.stderr).not.toContain("line 3");
    expect(await service.item("KEY-1")).toMatchObject({
      license_expiration: Date.UTC(2027, 0, 31),
    });
    expect(ran.stderr).toContain("with --end-of-day the last");
    const again = await license(["import", file, "--end-of-day", "--replace", "--yes"]);
    expect(again).toMatchObject({
      stdout: expect.stringContaining("1 replaced, 1 left"),
      stderr: "",
    });
    expect(await service.item("KEY-1")).toMatchObject({
      license_expiration: Date.UTC(2027, 1, 1) - 1,
    });
  });
});

describe("an import of many rows", () => {
  test("names a warning's first lines and counts the rest, so that its result is seen", async () => {
    const rows = Array.from({ length: 60 }, (_, index) => `KEY-${index},nobody,pro,active,`);
    const ran = await license(["import", csv(header, ...rows)]);
    const lines = ran.stderr.trim().split("\n");
    expect(lines).toHaveLength(6);
    expect(lines.at(-1)).toMatch(/^and 55 more lines: email is not an e-mail address/);
    expect(ran.stdout).toContain("60 created");
  });

  test("finds the file where the user is, and writes there, not where npm runs the command", async () => {
    const file = csv(header, "KEY-1,,pro,active,", "KEY-2,,pro,odd,");
    const words = ["import", basename(file), "--skip-bad", "beside.csv"];
    const ran = await license(words, { variables: { INIT_CWD: folder } });
    expect(ran.stdout).toContain("1 created");
    expect(readFileSync(join(folder, "beside.csv"), "utf8")).toContain("KEY-2,,pro,odd,");
  });
});

describe("import --dry-run", () => {
  test("says what would be done, and writes nothing", async () => {
    const file = csv(header, "KEY-1,,pro,active,", "KEY-2,,pro,active,", "KEY-3,,pro,frozen,");
    await service.license({ licenseKey: "KEY-1", licenseType: "mine" });
    const before = await service.item("KEY-1");
    const rejects = join(folder, "dry.csv");
    const words = ["import", file, "--dry-run", "--replace", "--skip-bad", rejects];
    const ran = await license(words);
    expect(ran.stdout).toContain("2 rows: would be 1 created, 1 replaced, 0 left as they are");
    expect(ran.stdout).toContain("Nothing was written");
    expect(ran.stderr).toContain(`1 bad row would go to ${rejects}`);
    expect(existsSync(rejects)).toBe(false);
    expect(await service.item("KEY-1")).toEqual(before);
    expect(await count()).toBe(1);
  });
});

describe("import --skip-bad", () => {
  test("imports the good rows; the bad ones are in a file that can be fixed and imported", async () => {
    const file = csv(
      header,
      'KEY-1,,"pro, ""gold""",frozen,',
      "KEY-2,,pro,active,",
      "KEY-2,,pro,suspended,",
      "KEY-3,,pro,active",
    );
    const rejects = join(folder, "rejects.csv");
    const ran = await license(["import", file, "--skip-bad", rejects]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stdout).toContain("1 rows: 1 created");
    expect(ran.stderr).toContain(`3 bad rows went to ${rejects}`);
    expect(await count()).toBe(1);
    expect(statSync(rejects).mode & 0o777).toBe(0o600);
    const text = readFileSync(rejects, "utf8");
    expect(text.split("\n")).toEqual([
      `reject_reason,${header}`,
      '"license_status must be active, suspended, cancelled or expired",KEY-1,,"pro, ""gold""",frozen,',
      "the same license as on line 3,KEY-2,,pro,suspended,",
      "it has 4 fields where the header has 5,KEY-3,,pro,active",
      "",
    ]);

    // Run again, it goes on with what is missing; a file of something else is left alone.
    expect((await license(["import", file, "--skip-bad", rejects])).stdout).toContain("1 left");
    const corrected = text.replace("frozen", "active");
    writeFileSync(rejects, corrected);
    for (const again of [file, rejects]) {
      const refused = await license(["import", again, "--skip-bad", rejects]);
      expect(refused).toMatchObject({ exitCode: 1, stdout: "" });
      expect(refused.stderr).toContain(
        `${rejects} already exists with other content: name another`,
      );
      expect(readFileSync(rejects, "utf8")).toBe(corrected);
    }

    writeFileSync(rejects, corrected.replace("pro,active\n", "pro,active,\n"));
    const second = join(folder, "second.csv");
    const again = await license(["import", rejects, "--replace", "--yes", "--skip-bad", second]);
    expect(again.stdout).toContain("3 rows: 2 created, 1 replaced");
    expect(again.exitCode).toBe(0);
    expect(existsSync(second)).toBe(false);
    expect(await service.item("KEY-1")).toMatchObject({ license_type: 'pro, "gold"' });
  });
});

describe("fencing tokens never go back through an export", () => {
  const bot = { license_key: "KEY-1", device_fingerprint: "device-a-0123456789" };
  const nextToken = async (on: typeof service) => (await on.validate(bot)).body.fencing_token;

  test("an item that is lost and imported again goes on beyond all that was granted since", async () => {
    await service.license({ licenseKey: "KEY-1" });
    await nextToken(service);
    const exported = fileOf((await license("export")).stdout);
    // By the API's clock, which may be 2 s ahead of the table's.
    service.passSeconds(2);
    let last = Number(await nextToken(service));
    service.passSeconds(-2);
    // The second time, the same export knows nothing of the tokens since the first.
    for (const _restore of ["first", "second"]) {
      const { there, license } = await elsewhere();
      await license(["import", exported]);
      there.passMs(service.nowMs() - there.nowMs());
      expect(Number(await nextToken(there))).toBeGreaterThan(last);
      last = Number(await nextToken(there));
      service.passSeconds(60);
    }
  });

  test("an item that stands keeps its token, which is ahead of the file's", async () => {
    await service.license({ licenseKey: "KEY-1" });
    const exported = fileOf((await license("export")).stdout);
    const granted = Number(await nextToken(service));
    const ran = await license(["import", exported, "--replace", "--yes"]);
    expect(ran.stdout).toContain("0 replaced, 1 left");
    expect(await nextToken(service)).toBe(granted + 1);
  });

  test("an item that is behind the file goes ahead of it", async () => {
    await service.license({ licenseKey: "KEY-1" });
    const granted = Number(await nextToken(service));
    const exported = fileOf((await license("export")).stdout);
    await service.change("KEY-1", { fencing_token: 1 });
    expect((await license(["import", exported, "--replace", "--yes"])).stdout).toContain(
      "1 replaced",
    );
    expect(await nextToken(service)).toBeGreaterThan(granted);
  });

  test("a token that no version can have given is a bad row; one of 0.1.0, ahead of its time, goes on", async () => {
    const greatest = service.nowMs() * 100 + 1_000_000;
    const exported = (token: string) =>
      csv(
        "license_id,email,license_type,license_status,license_expiration,fencing_token",
        `${licenseIdOf("KEY-1")},,pro,active,,${token}`,
        "#end-of-export",
      );
    const refused = await license(["import", exported(`${greatest + 1}`)]);
    expect(refused.stderr).toContain("greater than any that can have been granted by now");
    const inWords = await license(["import", exported("1.79557E+14")]);
    expect(inWords.stderr).toContain("fencing_token must be a whole number");
    expect((await license(["import", exported(`${service.nowMs() * 100}`)])).exitCode).toBe(0);
    expect(await nextToken(service)).toBe(greatest + 1);
  });
});

describe("import --replace ends", () => {
  const file = () => csv(header, "KEY-1,,gold,active,");

  test("on a token that somebody set beyond what JavaScript counts, and keeps it", async () => {
    await service.license({ licenseKey: "KEY-1" });
    await service.change("KEY-1", { fencing_token: 9_007_199_254_740_993n } as never);
    const ran = await license(["import", file(), "--replace", "--yes"]);
    expect(ran.stdout).toContain("1 replaced");
    expect(await service.item("KEY-1")).toMatchObject({
      license_type: "gold",
      fencing_token: 9_007_199_254_740_993n,
    });
  });

  test("on an item that is never what was read of it, and names it", async () => {
    await service.license({ licenseKey: "KEY-1" });
    const { license } = await judged((_, operation) =>
      operation === "UpdateItem" ? "refuse" : undefined,
    );
    const ran = await license(["import", file(), "--replace", "--yes"]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain(`License ${licenseIdOf("KEY-1").slice(0, 12)} could not be`);
  });
});

describe("an export and an import", () => {
  test("keep a suspended license suspended through the next run of an interrupted rekey", async () => {
    await service.license({ licenseKey: "KEY-1" });
    await license("suspend KEY-1 --yes");
    const cutOff = () => {
      throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
    };
    expect((await license("rekey KEY-1 --yes", { onOutput: cutOff })).exitCode).toBe(1);
    const exported = fileOf((await license("export")).stdout);
    const other = await elsewhere();
    expect((await other.license(["import", exported])).exitCode).toBe(0);
    const { license_id } = JSON.parse((await other.license("rekey KEY-1 --yes --json")).stdout);
    const shown = JSON.parse((await other.license(["show", license_id, "--json"])).stdout);
    expect(shown).toMatchObject({ standing: "suspended", status: "suspended" });
  });

  test("keep a license's own timeout; --replace takes it away where the export has none", async () => {
    await service.license({ licenseKey: "KEY-1", sessionTimeoutSeconds: 300 });
    await service.license({ licenseKey: "KEY-2" });
    const exported = fileOf((await license("export")).stdout);
    await license("set KEY-2 --timeout 90");
    await license("delete KEY-1 --yes");
    await license(["import", exported, "--replace", "--yes"]);
    expect(await service.item("KEY-1")).toHaveProperty("session_timeout_seconds", 300);
    expect(await service.item("KEY-2")).not.toHaveProperty("session_timeout_seconds");
  });

  test("that says nothing of timeouts, as the old table's, leaves them", async () => {
    await service.license({ licenseKey: "KEY-1", sessionTimeoutSeconds: 300 });
    await license(["import", csv(header, "KEY-1,,gold,active,"), "--replace", "--yes"]);
    const item = await service.item("KEY-1");
    expect(item).toMatchObject({ license_type: "gold", session_timeout_seconds: 300 });
  });
});

describe("an export", () => {
  test("that is incomplete is not imported, and one that was shortened by hand is", async () => {
    for (const licenseKey of ["KEY-1", "KEY-2"]) await service.license({ licenseKey });
    const lines = (await license("export")).stdout.split("\n");
    const other = await elsewhere();
    const broken = await other.license(["import", csv(...lines.slice(0, 2))]);
    expect(broken).toMatchObject({ exitCode: 1, stdout: "" });
    expect(broken.stderr).toContain("this export is incomplete");
    expect((await other.license(["import", csv(...lines.toSpliced(1, 1))])).exitCode).toBe(0);
  });

  test("has no cell that a spreadsheet takes for a formula, and brings it back as it was", async () => {
    const texts = ["=1+1", "+1", "-1", "@SUM(A1)", "'=x", "'x", "plain"];
    for (const [index, text] of texts.entries()) {
      await service.license({ licenseKey: `KEY-${index}`, licenseType: text, email: text });
    }
    const exported = (await license("export")).stdout;
    for (const cell of exported.split(/[,\n]/)) expect(cell).not.toMatch(/^[=+\-@]/);
    const { there, license: theirs } = await elsewhere();
    await theirs(["import", fileOf(exported)]);
    for (const [index, text] of texts.entries()) {
      expect(await there.item(`KEY-${index}`)).toMatchObject({ license_type: text, email: text });
    }
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
      "KEY-5,nobody,pro,,",
      'KEY-6,,"two',
      'lines",active,',
      "KEY-1,,pro,active,",
      "KEY-8,,pro,active",
      "KEY-9,,pro,active,,more",
      `${"K".repeat(129)},,pro,active,`,
      `KEY-13,${"a".repeat(250)}@example.com,pro,active,`,
    );
    const ran = await license(["import", file]);
    expect(await license(["import", file, "--dry-run"])).toEqual(ran);
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    const expected = [
      [3, "license_key has a space in it"],
      [4, "license_key is empty"],
      [5, "license_expiration must be a date"],
      [6, "license_status must be active, suspended, cancelled or expired"],
      [7, "license_type must be 1 to 64 characters"],
      [9, "the same license as on line 2"],
      [10, "it has 4 fields where the header has 5"],
      [11, "it has 6 fields where the header has 5"],
      [12, "license_key must be 1 to 128"],
      [13, "email must be at most 254 characters"],
    ] as const;
    const lines = ran.stderr.trim().split("\n");
    for (const [index, [line, problem]] of expected.entries()) {
      expect(lines[index]).toContain(`line ${line}: ${problem}`);
    }
    expect(lines.slice(expected.length)).toEqual([
      "10 lines are bad; nothing was written. Fix the file, or use --skip-bad REJECTS.csv to import the other rows.",
    ]);
    expect(ran.stderr).not.toMatch(/KEY-|frozen|nobody/);
    expect(await count()).toBe(0);
  });

  test.for([
    ["an empty file", "", "line 1: the file is empty"],
    ["no header", "KEY-1,,pro,active,\n", "line 1: the header must name the columns"],
    ["another separator", header.replaceAll(",", ";"), "separated by commas"],
    ["a column twice", `${header},email\n`, "line 1: the header has the column email twice"],
    ["an open quote", `${header}\nKEY-1,,pro,active,\nK,"x,p\n`, "line 3: a quote is opened"],
    [
      "a quote within",
      `${header}\r\nKEY-1,,"a\r\nb",active,\r\nK,x"y,p,active,`,
      "line 4: a quote",
    ],
    [
      "no UTF-8",
      Buffer.from(`${header}\nK,,caf\xe9,active,\n`, "latin1"),
      "line 1: this line or a later one is not UTF-8",
    ],
  ] as const)("%s", async ([, text, problem]) => {
    const file = fileOf(typeof text === "string" ? text : Buffer.from(text));
    for (const options of [[], ["--skip-bad", join(folder, "none.csv")]]) {
      const ran = await license(["import", file, ...options]);
      expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
      expect(ran.stderr).toContain(problem);
      expect(ran.stderr).toContain("nothing was written");
      expect(await count()).toBe(0);
    }
  });

  test("a file that is not there, and a folder", async () => {
    expect((await license(["import", join(folder, "none.csv")])).exitCode).toBe(1);
    expect((await license(["import", folder])).exitCode).toBe(1);
  });
});

describe("an import that is interrupted", () => {
  const rows = Array.from({ length: 160 }, (_, index) => `KEY-${index},,pro,active,`);

  test("by a database that goes away says so, and run again it has the same end", async () => {
    const file = csv(header, ...rows);
    const broken = await judged((calls) => (calls > 50 ? "break off" : undefined));
    const ran = await broken.license(["import", file, "--json"]);
    expect(ran.exitCode).toBe(1);
    expect(JSON.parse(ran.stdout)).toMatchObject({ rows: 160, complete: false });
    expect(ran.stderr).toMatch(/^Failed after \d+ of 160 rows.*Run the same command again/);
    expect((await license(["import", file])).exitCode).toBe(0);
    expect(await count()).toBe(160);
  });

  test("by throttling resumes on its own when that is over, and never writes all at once", async () => {
    const file = csv(header, ...rows.slice(0, 60));
    const { meter, license } = await judged((calls) => (calls % 20 === 0 ? "throttle" : undefined));
    const ran = await license(["import", file]);
    expect(ran.exitCode).toBe(0);
    expect(await count()).toBe(60);
    expect(meter.mostAtOnce).toBeLessThanOrEqual(32);
  });
});
