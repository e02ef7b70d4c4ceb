import { randomUUID } from "node:crypto";
import { DynamoDBDocumentClient } from "@aws-sdk/lib-dynamodb";
import { afterAll, describe, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { rekeyLicense } from "../../../ops/data/rekey-license.ts";
import { clientFor, startDynalite } from "../../support/engines.ts";
import { device, newLicense } from "../new-license.ts";

const engine = await startDynalite();
afterAll(() => engine.stop());
const client = DynamoDBDocumentClient.from(clientFor(engine.endpoint));
const table = { client, tableName: engine.tableName };

/** A license with a session, and what a check of a key answers. */
async function leaked() {
  const made = await newLicense(engine, { licenseType: "pro", maxSessions: 3 });
  const { service, bot, id } = made;
  await service.validate(bot);
  const codeOf = async (license_key: string) =>
    (await service.validate({ ...bot, license_key, check_only: true })).body.code;
  /** The rules without the command, so that it can be interrupted. */
  const rekey = (newKey: string, announce: () => Promise<void> = async () => {}) =>
    rekeyLicense(table, id, newKey, { by: "ada@desk", atMs: service.nowMs() }, announce);
  return { ...made, codeOf, rekey };
}

const anotherKey = () => `NEW-KEY-${randomUUID()}`;

describe("rekey", () => {
  test("the new key works, the old one does not, and its session can't be revived", async () => {
    const { service, key, json, codeOf } = await leaked();
    const { license_key, license_id, previous_license_id } = await json("rekey", key, "--yes");
    expect(previous_license_id).toBe(licenseIdOf(key));
    expect(license_id).toBe(licenseIdOf(license_key));
    expect(await codeOf(license_key)).toBe("available");
    expect(await codeOf(key)).toBe("license_cancelled");
    const beat = await service.heartbeat({ license_key: key, device_fingerprint: device });
    expect(beat).toMatchObject({
      status: 403,
      body: { license_valid: false, code: "license_cancelled" },
    });
    const item = await service.item(license_key);
    expect(item).not.toHaveProperty("superseded_by");
    expect(item).toMatchObject({
      status: "active",
      license_type: "pro",
      email: "ada@example.com",
      max_sessions: 3,
      fencing_token: service.nowMs() + 1,
      sessions: { "*": { vacated_by: device, lapses_at: service.nowMs() + 60_000 } },
    });
  });

  test("another device waits until the bot of the old key can't believe any more that it holds", async () => {
    const { service, key, json } = await leaked();
    const { license_key } = await json("rekey", key, "--yes");
    const other = { license_key, device_fingerprint: "another-device-0123456789" };
    service.passMs(59_999);
    expect((await service.validate(other)).body.code).toBe("session_conflict");
    service.passMs(1);
    expect((await service.validate(other)).body.code).toBe("granted");
  });

  test("what nobody can read stays closed under the new key, until end-session frees it", async () => {
    const { service, key, license, json } = await leaked();
    const session = await service.session(key);
    await service.change(key, { sessions: { "*": { ...session, lapses_at: "soon" } } });
    const { license_key } = await json("rekey", key, "--yes");
    service.passSeconds(3_600);
    for (const fingerprint of [device, "another-device-0123456789"]) {
      const claim = { license_key, device_fingerprint: fingerprint };
      expect((await service.validate(claim)).body.code).toBe("internal_error");
    }
    await license(["end-session", license_key, "--yes"]);
    const claim = { license_key, device_fingerprint: device };
    expect((await service.validate(claim)).body.code).toBe("granted");
  });

  test("done twice it is refused, and says which license to name", async () => {
    const { key, license, json, codeOf } = await leaked();
    const { license_key, license_id } = await json("rekey", key, "--yes");
    const again = await license(["rekey", key, "--yes"]);
    expect(again).toMatchObject({ exitCode: 1, stdout: "" });
    expect(again.stderr).toContain(license_id.slice(0, 12));
    expect(await codeOf(license_key)).toBe("available");
  });

  test.for([
    ["suspend", "--yes"],
    ["activate"],
    ["set", "--type", "free"],
    ["extend", "--days", "3"],
  ])("nothing brings the old key back to life: %s is refused", async ([verb = "", ...options]) => {
    const { key, license, codeOf } = await leaked();
    await license(["rekey", key, "--yes"]);
    expect((await license([verb, key, ...options])).exitCode).toBe(1);
    expect(await codeOf(key)).toBe("license_cancelled");
  });
});

describe("rekey, interrupted", () => {
  test("any number of times, at either step of taking over", async () => {
    const { service, key, json, codeOf, rekey } = await leaked();
    const keys = [key];
    for (let run = 0; run < 3; run++) {
      const lostKey = anotherKey();
      keys.push(lostKey);
      await expect(rekey(lostKey, () => Promise.reject(new Error("cut off")))).rejects.toThrow();
    }
    // As if the next run had been cut off between putting the placeholder and pointing elsewhere.
    const item = await service.item(keys.at(-2) ?? "");
    const lastId = licenseIdOf(keys.at(-1) ?? "");
    await service.change("any", { ...item, license_id: lastId });
    const { license_key } = await json("rekey", key, "--yes");
    expect(await codeOf(license_key)).toBe("available");
    for (const dead of keys) expect(await codeOf(dead)).toBe("license_cancelled");
  });

  test("a run that was only slow does not make a second key work when it goes on", async () => {
    const { codeOf, rekey } = await leaked();
    const [slowKey, quickKey] = [anotherKey(), anotherKey()];
    const slow = await rekey(slowKey, async () => {
      expect(await rekey(quickKey)).toEqual({ code: "rekeyed" });
    });
    expect(slow).toEqual({ code: "overtaken" });
    expect(await codeOf(quickKey)).toBe("available");
    expect(await codeOf(slowKey)).toBe("license_cancelled");
  });

  test("of many runs at once exactly one key comes to work", async () => {
    const { key, codeOf, rekey } = await leaked();
    const keys = Array.from({ length: 8 }, anotherKey);
    await Promise.all(keys.map((newKey) => rekey(newKey)));
    const codes = await Promise.all([key, ...keys].map(codeOf));
    expect(codes.filter((code) => code === "available")).toHaveLength(1);
  });

  test("a key that could not be printed is not put to use", async () => {
    const { key, license, codeOf } = await leaked();
    let printed = "";
    const ran = await license(["rekey", key, "--yes"], {
      onOutput(text) {
        printed = text;
        throw Object.assign(new Error("write EPIPE"), { code: "EPIPE" });
      },
    });
    expect(ran.exitCode).toBe(1);
    expect(ran.stderr).toContain("run rekey again");
    const [, lostKey = ""] = /license key +(\S+)/.exec(printed) ?? [];
    expect(await codeOf(lostKey)).toBe("license_unknown");
  });

  test("the place of a key that never worked can't be rekeyed itself", async () => {
    const { key, license, rekey } = await leaked();
    const lostKey = anotherKey();
    await expect(rekey(lostKey, () => Promise.reject(new Error("cut off")))).rejects.toThrow();
    await license(["rekey", key, "--yes"]);
    const ran = await license(["rekey", licenseIdOf(lostKey), "--yes"]);
    expect(ran).toMatchObject({ exitCode: 1, stdout: "" });
    expect(ran.stderr).toContain(licenseIdOf(key).slice(0, 12));
  });
});
