import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { startMeter } from "../../support/meter.ts";
import { openTestService } from "../../support/test-service.ts";
import { dayMs } from "../new-license.ts";

let meter: Awaited<ReturnType<typeof startMeter>>;
let service: ReturnType<typeof openTestService>;
let license: ReturnType<typeof operator>;
beforeEach(async () => {
  const engine = await startDynalite();
  meter = await startMeter(engine);
  service = openTestService(engine);
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-bulk-"));
  license = operator(meter, { now: service.nowMs, variables: { DATA_DIR: folder } });
  return async () => {
    await meter.stop();
    await engine.stop();
    rmSync(folder, { recursive: true });
  };
});

async function licenses(count: number, attributes: { licenseType?: string } = {}) {
  const keys: string[] = [];
  for (let at = 0; at < count; at++) {
    const expiresAtMs = service.nowMs() + 10 * dayMs;
    keys.push(await service.license({ expiresAtMs, ...attributes }));
  }
  return keys;
}

async function daysLeft(keys: readonly string[]) {
  const ends = await Promise.all(
    keys.map(async (key) => (await service.item(key))?.license_expiration ?? 0),
  );
  return ends.map((end) => (end - service.nowMs()) / dayMs);
}

describe("an operation over many licenses", () => {
  test("that is interrupted and repeated by its id extends each license once", async () => {
    const keys = await licenses(5);
    const stop = new AbortController();
    const extend = ["extend", ...keys, "--days", "30"];
    let printed = 0;
    const first = await license(extend, {
      stop: stop.signal,
      onOutput: () => (++printed === 2 ? stop.abort() : undefined),
    });
    expect(first.exitCode).toBe(130);
    expect(first.stderr).toContain(
      "stopped: 2 changed, 0 already so, 0 not changed, 3 not reached",
    );
    expect(await daysLeft(keys)).toEqual([40, 40, 10, 10, 10]);
    const [, operation = ""] = /--operation (\w+)/.exec(first.stderr) ?? [];
    const second = await license([...extend, "--operation", operation]);
    expect(second.exitCode).toBe(0);
    expect(second.stderr).toContain(`Operation ${operation}: 3 changed, 2 already so`);
    expect(await daysLeft(keys)).toEqual([40, 40, 40, 40, 40]);
  });

  test("that deletes goes on, too: what it has deleted is not missed", async () => {
    const keys = await licenses(3);
    const stop = new AbortController();
    const words = ["delete", ...keys, "--yes"];
    const first = await license(words, { stop: stop.signal, onOutput: () => stop.abort() });
    expect(first.stderr).toContain(
      "stopped: 1 changed, 0 already so, 0 not changed, 2 not reached",
    );
    const [, operation = ""] = /--operation (\w+)/.exec(first.stderr) ?? [];
    const second = await license([...words, "--operation", operation]);
    expect(second.stderr).toContain("License 1 of 3 is not there: it counts as deleted.");
    expect(second.stderr).toContain(`Operation ${operation}: 2 changed`);
    for (const key of keys) expect(await service.item(key)).toBeUndefined();
    const without = await license(words);
    expect(without).toMatchObject({ exitCode: 1, stdout: "" });
  });

  test("is not applied again to a license that was changed otherwise in between", async () => {
    const keys = await licenses(2);
    const extend = ["extend", ...keys, "--days", "30", "--operation", "0123abcd"];
    await license(extend);
    await license(["set", keys[0] ?? "", "--type", "gold"]);
    await license(["extend", ...keys, "--days", "1"]);
    await license(extend);
    expect(await daysLeft(keys)).toEqual([41, 41]);
  });

  test("says how many it has changed when the database goes away", async () => {
    const keys = await licenses(6);
    let writes = 0;
    meter.onCall((operation) => {
      if (operation !== "UpdateItem") return undefined;
      writes += 1;
      return writes > 4 ? "break off" : undefined;
    });
    const ran = await license(["extend", ...keys, "--days", "30"]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain("stopped: 4 changed, 0 already so, 0 not changed, 2 not reached");
    expect(ran.stderr).toMatch(
      /--operation \w{8}: what it has changed stays as it is\. The reason: .* check with show/,
    );
  });

  test("changes the others if one can't be changed, and names that one", async () => {
    const keys = await licenses(2);
    const never = await service.license();
    const ran = await license(["extend", never, ...keys, "--days", "30"]);
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain(
      `license ${licenseIdOf(never).slice(0, 12)}: it never expires, so there is nothing to extend.`,
    );
    expect(ran.stderr).toContain("1 of 3 licenses were not changed.");
    expect(await daysLeft(keys)).toEqual([40, 40]);
  });

  test("is in the history of each license with its id", async () => {
    const keys = await licenses(30);
    const { stderr } = await license(["extend", ...keys, "--days", "30"]);
    const [, operation] = /^Operation (\w+): extend, 30 licenses\.$/m.exec(stderr) ?? [];
    for (const key of [keys[0], keys[29]]) {
      const { stdout } = await license(["history", key ?? "", "--json"]);
      expect(JSON.parse(stdout).lines).toMatchObject([{ verb: "extend", operation }]);
    }
  });
});

describe("licenses that are chosen by what they are", () => {
  test("all of a type are extended after one question that counts them", async () => {
    const pro = await licenses(3, { licenseType: "pro" });
    const other = await licenses(2);
    const ran = await license("extend --type pro --days 30", { answer: true });
    expect(ran.stderr).toContain(
      "extend: 3 of 3 licenses that were chosen would be changed. Go on?",
    );
    expect(await daysLeft([...pro, ...other])).toEqual([40, 40, 40, 10, 10]);
    const refused = await license("extend --type pro --days 30", { answer: false });
    expect(refused.exitCode).toBe(1);
    expect(await daysLeft(pro)).toEqual([40, 40, 40]);
  });

  test("by status and by the version of a live bot", async () => {
    const [old = "", recent = "", other = ""] = await licenses(3);
    for (const [key, bot_version] of [
      [old, "1.2"],
      [recent, "2.0"],
    ] as const) {
      const bot = { license_key: key, device_fingerprint: "device-a" };
      await service.validate(bot);
      await service.heartbeat({ ...bot, bot_version });
    }
    const several = { license_key: other, device_fingerprint: "device-a", symbols: ["ES", "NQ"] };
    const opening = { run_id: "0123456789abcdef", claim_number: 1 };
    const { session_id } = (await service.validate({ ...several, ...opening })).body;
    await service.heartbeat({ ...several, session_id, bot_version: "3.0" });
    const ids = async (...words: string[]) =>
      JSON.parse((await license(["list", ...words, "--json"])).stdout).map(
        (one: { license_id: string }) => one.license_id,
      );
    expect(await ids("--version", "1.2")).toEqual([licenseIdOf(old)]);
    expect(await ids("--version", "3.0")).toEqual([licenseIdOf(other)]);
    expect((await license("list --version 3.0")).stdout).toMatch(/ 2\+0\/20 +0 s /);
    await license("suspend --version 1.2 --yes");
    expect(await ids("--status", "suspended")).toEqual([licenseIdOf(old)]);
    expect(await ids("--status", "active", "--version", "1.2")).toEqual([]);
    await license("activate --status suspended --yes");
    expect(await ids("--status", "active")).toHaveLength(3);
  });
});
