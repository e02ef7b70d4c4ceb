import { randomUUID } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { deviceHash } from "../../../lambdas/rules/shown-device.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { device as a, newLicense as licenseOn } from "../new-license.ts";

const b = "laptop-b-0123456789";

const engine = await startDynalite();
afterAll(() => engine.stop());

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "license-sessions-history-"));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** A license whose service logs as npm start does, and its bots. */
async function newLicense({ maxSessions = 1 } = {}) {
  const made = await licenseOn(engine, { maxSessions, folder });
  const { service, key } = made;
  let session_id: unknown;
  const as = (device_fingerprint: string, symbol = "ES") => ({
    async claim() {
      const { body } = await service.validate({ license_key: key, device_fingerprint, symbol });
      session_id = body.session_id ?? session_id;
    },
    release: () => service.release({ license_key: key, device_fingerprint, symbol, session_id }),
  });
  return { ...made, as, history: (...words: string[]) => made.json("history", key, ...words) };
}

describe("history", () => {
  test("of two devices that take turns shows each turn, the refusals, and that they share", async () => {
    const { service, key, license, as } = await newLicense();
    for (const [holder, other] of [
      [a, b],
      [b, a],
      [a, b],
    ] as const) {
      await as(holder).claim();
      service.passSeconds(5);
      await as(other).claim();
      await as(holder).release();
      service.passSeconds(300);
    }
    const { exitCode, stdout } = await license(["history", key]);
    expect(exitCode).toBe(0);
    const what = [...stdout.matchAll(/Z {2}(\w+ +ES +[a-z-]+)\.\.\./g)].map(([, words]) =>
      words?.split(/ +ES +/).join(" "),
    );
    expect(what).toEqual([
      ...["claimed device-a", "session_conflict laptop-b", "released device-a"],
      ...["claimed laptop-b", "session_conflict device-a", "released laptop-b"],
      ...["claimed device-a", "session_conflict laptop-b", "released device-a"],
    ]);
    expect(stdout).toMatch(/^device-a\.\.\. \w{10} +2 +1 +1 +5 min +1 session_conflict$/m);
    expect(stdout).toContain("2 devices held it, and took it over from each other 2 times.");
    expect(stdout).not.toContain(key);
    expect(stdout).not.toContain(a);
  });

  test("shows that a holder was asked, was told, kept its session and yielded it: no sign of sharing", async () => {
    const { service, key, license, as } = await newLicense();
    const holder = { license_key: key, device_fingerprint: a, symbol: "ES" };
    const opening = { run_id: "a-run-0123456789", claim_number: 1 };
    const { session_id } = (await service.validate({ ...holder, ...opening })).body;
    const ask = () =>
      service.validate({ ...holder, device_fingerprint: b, ...opening, ask_holder: true });
    const beat = (more = {}) => {
      service.passSeconds(30);
      return service.heartbeat({ ...holder, session_id, ...more });
    };
    await ask();
    await beat();
    // It waits on, without asking again.
    await as(b).claim();
    await beat({ keep: true });
    await beat();
    await beat();
    await ask();
    await service.release({ ...holder, session_id });
    await as(b).claim();
    const { stdout } = await license(["history", key]);
    const what = [...stdout.matchAll(/Z {2}(\w+) +ES +([a-z]+-[ab])\S* \w{10} *(.*)$/gm)];
    expect(what.map(([, event, who, details]) => [event, who, details])).toEqual([
      ["claimed", "device-a", expect.stringMatching(/^token/)],
      ["asked", "laptop-b", expect.stringMatching(/^asked device-a\.\.\. \w{10}$/)],
      ["session_conflict", "laptop-b", "refused"],
      ["told", "device-a", "asked by laptop-b..."],
      ["session_conflict", "laptop-b", "refused"],
      ["kept", "device-a", "asked by laptop-b..."],
      ["asked", "laptop-b", expect.stringMatching(/^asked device-a/)],
      ["session_conflict", "laptop-b", "refused"],
      ["released", "device-a", "yielded to laptop-b..."],
      ["claimed", "laptop-b", expect.stringMatching(/^token/)],
    ]);
    expect(stdout).toContain("had asked that one to release it: a move");
  });

  test("shows what a claim displaced and replaced", async () => {
    const { service, key, license, history, as } = await newLicense();
    await as(a, "ES").claim();
    await as(a, "ES").claim();
    service.passSeconds(100);
    await as(b, "NQ").claim();
    const { lines } = await history();
    expect(lines).toMatchObject([
      { event: "session_claimed", fencing_token: expect.any(Number) },
      { event: "session_claimed", replaced: expect.anything() },
      { event: "session_claimed", displaced: [{ symbol: "ES", device: "device-a..." }] },
    ]);
    const { stdout } = await license(["history", key]);
    expect(stdout).toMatch(/replaced device-a\.\.\. \w{10} \(live, last heartbeat/);
    expect(stdout).toContain("displaced ES of device-a...");
  });

  test("has every change of an operator: who, what, why; no address in it", async () => {
    const { key, license, history, as } = await newLicense();
    await as(a).claim();
    await license(["set", key, "--email", "eve@example.com", "--reason", "sold on"]);
    await license(["suspend", key, "--yes", "--reason", "not paid"]);
    await license(["end-session", key, "--yes"]);
    const { lines } = await history();
    expect(lines[1].by).toContain("@");
    expect(lines.slice(1)).toMatchObject([
      { verb: "set", reason: "sold on", changes: ["email: an address -> another address"] },
      { verb: "suspend", reason: "not paid", changes: ["standing: active -> suspended"] },
      { verb: "end-session", changes: ["session ES: live, device-a... -> ended, device-a..."] },
    ]);
    expect(readFileSync(join(folder, "history.jsonl"), "utf8")).not.toMatch(/example\.com/);
  });

  test("has what an import made and replaced, and nothing of what it left", async () => {
    const { license, json } = await newLicense();
    const file = join(folder, "two.csv");
    const header = "license_key,email,license_type,license_status,license_expiration";
    const lines = (...keys: string[]) =>
      writeFileSync(file, [header, ...keys.map((key) => `${key},,pro,active,`)].join("\n"));
    const key = `IMPORTED-${randomUUID()}`;
    lines(key);
    await license(["import", file, "--dry-run"]);
    await license(["import", file, "--reason", "moved over"]);
    lines(key, `${key}-2`);
    await license(["import", file]);
    const { lines: shown } = await json("history", key);
    expect(shown).toMatchObject([
      { verb: "import", reason: "moved over", changes: ["license: created"] },
    ]);
  });

  test("--since leaves out what is older, and another license's lines are not in it", async () => {
    const { service, history, as } = await newLicense();
    await as(a).claim();
    service.passSeconds(5 * 86_400);
    await as(b).claim();
    const other = await service.license();
    await service.validate({ license_key: other, device_fingerprint: a });
    const linesOf = async (...options: string[]) => (await history(...options)).lines.length;
    expect(await linesOf()).toBe(2);
    expect(await linesOf("--since", "3d")).toBe(1);
    expect(await linesOf("--since", "2026-01-06")).toBe(1);
  });

  test("shows who holds it since before --since", async () => {
    const { service, key, license, history, as } = await newLicense();
    await as(a).claim();
    for (let beat = 0; beat < 5; beat++) {
      service.passSeconds(50);
      await service.heartbeat({ license_key: key, device_fingerprint: a, symbol: "ES" });
    }
    const since = new Date(service.nowMs() - 100_000).toISOString().replace(/\.\d+/, "");
    const { stdout } = await license(["history", key, "--since", since]);
    expect(stdout).toMatch(/^< 2026-01-05 \S+ +now +ES +device-a\.\.\.( \w{10})? +held$/m);
    const { holds } = await history();
    expect(holds).toMatchObject([{ symbol: "ES", end: "held", until: service.nowMs() }]);
  });

  test("says who held it in two hours of an earlier day, whenever its lines of a day came", async () => {
    const { service, key, history } = await newLicense();
    const bot = { license_key: key, device_fingerprint: a, symbol: "ES" };
    const opening = { run_id: "0123456789abcdef", claim_number: 1 };
    const { session_id } = (await service.validate({ ...bot, ...opening })).body;
    const beginMs = service.nowMs();
    const hourMs = 3_600_000;
    for (let hour = 0; hour < 60; hour++) {
      service.passMs(hourMs);
      await service.heartbeat({ ...bot, session_id });
    }
    await service.release({ ...bot, session_id });
    const at = (hours: number) => new Date(beginMs + hours * hourMs).toISOString();
    const { holds, lines } = await history("--since", at(30), "--until", at(32));
    expect(holds).toMatchObject([{ device: "device-a...", session_id }]);
    expect(holds[0].until).toBeGreaterThan(beginMs + 32 * hourMs);
    for (const { atMs } of lines) expect(atMs).toBeLessThan(beginMs + 32 * hourMs);
  });

  test("has a bar for each symbol of a session of several, also of one that is released alone", async () => {
    const { service, key, license, history } = await newLicense({ maxSessions: 2 });
    const bot = { license_key: key, device_fingerprint: a };
    const opening = { run_id: "0123456789abcdef", claim_number: 1, symbols: ["ES", "NQ"] };
    const { session_id } = (await service.validate({ ...bot, ...opening })).body;
    service.passSeconds(20);
    await service.heartbeat({ ...bot, session_id, symbols: ["ES", "NQ"] });
    await service.release({ ...bot, session_id, symbols: ["NQ"] });
    service.passSeconds(10);
    const { holds } = await history();
    const nowMs = service.nowMs();
    expect(holds).toMatchObject([
      { symbol: "ES", session_id, end: "held", from: nowMs - 30_000, until: nowMs },
      { symbol: "NQ", session_id, end: "released", from: nowMs - 30_000, until: nowMs - 10_000 },
    ]);
    await license(["rekey", key, "--yes"]);
    const after = await history();
    expect(after.holds.map(({ end }: { end: string }) => end)).toEqual(["ended", "released"]);
  });

  test.for(["as rekey writes it", "as an earlier version wrote it"])(
    "is one under the old key and the new: %s",
    async (form) => {
      const { service, key, json, as } = await newLicense();
      await as(a).claim();
      await as(a).release();
      await as(a).claim();
      const { license_key, license_id } = await json("rekey", key, "--yes");
      service.passSeconds(60);
      await service.validate({ license_key, device_fingerprint: b, symbol: "ES" });
      const file = join(folder, "history.jsonl");
      if (form !== "as rekey writes it") {
        const lines = readFileSync(file, "utf8")
          .split("\n")
          .filter((line) => !line.includes("next_license_id"))
          .map((line) => line.replace(/,"previous_license_id":"\w+"/, ""));
        writeFileSync(file, lines.join("\n"));
        await service.change(license_key, { supersedes: undefined } as never);
      }
      for (const name of [license_key, key]) {
        const shown = await json("history", name);
        expect([...shown.license_ids].sort()).toEqual([license_id, licenseIdOf(key)].sort());
        const events = shown.lines.map(
          (line: { event: string; verb?: string }) => line.verb ?? line.event,
        );
        expect(events).toEqual([
          ...["session_claimed", "session_released", "session_claimed", "rekey", "session_claimed"],
        ]);
        expect(shown.holds).toMatchObject([
          { device: "device-a...", end: "released" },
          { device: "device-a...", end: form === "as rekey writes it" ? "ended" : "lapsed" },
          { device: "laptop-b...", end: "held" },
        ]);
      }
    },
  );

  test("says who held it on the day of a crash, though the next device came days later", async () => {
    const { service, key, history, as } = await newLicense();
    const beginMs = service.nowMs();
    await as(a).claim();
    service.passSeconds(55);
    await service.heartbeat({ license_key: key, device_fingerprint: a, symbol: "ES" });
    const crashedMs = service.nowMs();
    service.passSeconds(5 * 86_400);
    await as(b).claim();
    const begin = new Date(beginMs).toISOString();
    const { holds } = await history("--since", begin, "--until", "2026-01-05 13:00");
    expect(holds).toMatchObject([{ device: "device-a...", until: crashedMs, end: "lapsed" }]);
  });

  test("of a time long before a rekey is one under the new key", async () => {
    const { service, key, json, as } = await newLicense();
    const begin = new Date(service.nowMs()).toISOString();
    await as(a).claim();
    await as(a).release();
    service.passSeconds(20 * 86_400);
    let newKey = key;
    for (let rekeys = 0; rekeys < 2; rekeys++) {
      newKey = (await json("rekey", newKey, "--yes")).license_key;
    }
    const words = ["--since", begin, "--until", "2026-01-06"];
    const { holds, license_ids } = await json("history", newKey, ...words);
    expect(holds).toMatchObject([{ device: "device-a...", license_id: licenseIdOf(key) }]);
    expect(license_ids).toHaveLength(3);
  });

  test("keeps what happened under a key whose item was deleted after a rekey", async () => {
    const { key, license, json, as } = await newLicense();
    await as(a).claim();
    const { license_key } = await json("rekey", key, "--yes");
    await license(["delete", licenseIdOf(key), "--yes"]);
    const { holds } = await json("history", license_key);
    expect(holds).toMatchObject([{ device: "device-a..." }]);
  });

  test("a change that is in no history says so before it is made", async () => {
    const { key } = await newLicense();
    const nowhere = operator(engine, { variables: { DATA_DIR: join(folder, "missing") } });
    const ran = await nowhere(["set", key, "--type", "pro"]);
    expect(ran.exitCode).toBe(0);
    expect(ran.about).toContain(`in no history: there is no folder ${join(folder, "missing")}`);
    expect(ran.about).toContain("DATA_DIR");
  });

  test("where there is none says who writes it", async () => {
    const { key, license } = await newLicense();
    rmSync(join(folder, "history.jsonl"), { force: true });
    const ran = await license(["history", key]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain("npm start writes it");
  });
});

test("now and refusals say in words who is online and was refused, and that requests fail and since when", async () => {
  const { service, key, license, as, log } = await newLicense();
  await as(a).claim();
  const beat = { license_key: key, device_fingerprint: a, symbol: "ES", bot_version: "7.7.7" };
  await service.heartbeat(beat);
  await as(b).claim();
  const now = (await license("now")).stdout;
  expect(now).toMatch(/^service +answers; no request failed in the last 24 hours$/m);
  expect(now).toMatch(/^by version .*\b1 7\.7\.7\b/m);
  expect(now).toMatch(/^refused, 24 h +1 session_conflict$/m);
  const failedAt = "2026-01-05 12:00:00Z";
  log({ license_id: licenseIdOf(key), device: "device-a...", code: "internal_error" });
  expect((await license("now")).stdout).toContain(`requests fail, since ${failedAt}`);
  service.passSeconds(600);
  await as(a).claim();
  expect((await license("now")).stdout).toContain(`answers, since ${failedAt}`);
  const id = licenseIdOf(key);
  const who = `laptop-b... ${deviceHash(id, b)}`;
  expect((await license("refusals")).stdout.split("\n").slice(1)).toEqual([
    "1 session_conflict (1 licenses)",
    `The service could not answer from ${failedAt} to ${failedAt}: 1 requests of 1 licenses.`,
    "",
    "LICENSE       CODE               DEVICE       COUNT  UNEXPLAINED  IN OUTAGE  LAST",
    `${id}  session_conflict   ${who}  1      0            1          ${failedAt}`,
    "",
  ]);
});

test("usage --month has the same figures as a table, as CSV and as JSON", async () => {
  const { service, key, license, as } = await newLicense();
  const id = licenseIdOf(key);
  await as(a).claim();
  service.passSeconds(360);
  await service.heartbeat({ license_key: key, device_fingerprint: a, symbol: "ES" });
  await as(b).claim();
  await as(a).release();
  const usage = async (...words: string[]) => {
    const { stdout } = await license(["usage", "--month", "2026-01", ...words]);
    const ofIt = stdout.split("\n").find((line) => line.startsWith(id));
    return { stdout, head: stdout.split("\n")[0], ofIt: ofIt?.slice(id.length) };
  };
  expect(await usage()).toMatchObject({
    head: "LICENSE       TYPE      DEVICES  DAYS  HOURS    CLAIMS  REFUSALS  EMAIL",
    ofIt: "  standard  1        1     0.1      1       1         ada@example.com",
    stdout: expect.stringMatching(
      /^\d+ licenses were active in 2026-01: \d+ devices, .* hours, in/m,
    ),
  });
  expect(await usage("--csv")).toMatchObject({
    head: "license_id,email,license_type,devices,days,hours,claims,refusals,failures",
    ofIt: ",ada@example.com,standard,1,1,0.1,1,1,0",
  });
  const view = JSON.parse((await usage("--json")).stdout);
  expect(view.licenses).toContainEqual({
    license_id: id,
    email: "ada@example.com",
    license_type: "standard",
    devices: 1,
    days: 1,
    hours: 0.1,
    claims: 1,
    refusals: 1,
    failures: 0,
  });
  const earlier = await license("usage --month 2025-12");
  expect(earlier.stdout).toContain("0 licenses were active in 2025-12");
});

test("usage --month counts what began in it and ended after it to the end of the month", async () => {
  const { service, id, json, as } = await newLicense();
  service.passMs(Date.UTC(2026, 0, 31, 20) - service.nowMs());
  await as(a).claim();
  service.passMs(Date.UTC(2026, 1, 1, 2) - service.nowMs());
  await as(a).release();
  for (const [month, days, hours] of [
    ["2026-01", 1, 4],
    ["2026-02", 1, 2],
  ]) {
    const { licenses } = await json("usage", "--month", String(month));
    expect(licenses).toContainEqual(expect.objectContaining({ license_id: id, days, hours }));
  }
});
