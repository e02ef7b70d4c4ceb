import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { licenseIdOf } from "../../../lambdas/rules/license-id.ts";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { startMeter } from "../../support/meter.ts";
import { openTestService } from "../../support/test-service.ts";

const engine = await startDynalite();
const meter = await startMeter(engine);
const service = openTestService({ ...engine, endpoint: meter.endpoint });

afterAll(async () => {
  await meter.stop();
  await engine.stop();
});

/**
 * What everything costs: calls, and capacity units as the engine counts them. A refused write reports
 * no units, so there it is the call that counts. A change of a figure here is a change of the bill,
 * which is worked out in `docs/operations.md`.
 */
async function cost(work: () => Promise<unknown>): Promise<string[]> {
  meter.take();
  await work();
  return meter.take().map(({ operation, units }) => `${operation} ${units}`);
}

function verb(...words: string[]) {
  const run = operator(meter, { now: service.nowMs });
  return cost(async () => expect(await run(words)).toMatchObject({ exitCode: 0 }));
}

async function bot() {
  const license_key = await service.license({ email: "ada@example.com" });
  return { license_key, device_fingerprint: "device-a-0123456789" };
}

test("check_only is one consistent read of one unit", async () => {
  const a = await bot();
  const check = () => service.validate({ ...a, check_only: true });
  expect(await cost(check)).toEqual(["GetItem 1"]);
});

test("create is one write", async () => {
  expect(await verb("create")).toEqual(["PutItem 1"]);
});

test("show is one read by key, two at most by id", async () => {
  const { license_key } = await bot();
  expect(await verb("show", license_key)).toEqual(["GetItem 1"]);
  expect(await verb("show", licenseIdOf(license_key))).toEqual(["GetItem 1"]);
});

test("every change is one read and one write", async () => {
  const { license_key } = await bot();
  await service.validate({ license_key, device_fingerprint: "device-a-0123456789" });
  const change = ["GetItem 1", "UpdateItem 1"];
  expect(await verb("suspend", license_key, "--yes")).toEqual(change);
  expect(await verb("activate", license_key)).toEqual(change);
  expect(await verb("extend", license_key, "--until", "2027-01-31", "--yes")).toEqual(change);
  expect(await verb("extend", license_key, "--days", "3")).toEqual(change);
  expect(await verb("set", license_key, "--type", "pro")).toEqual(change);
  expect(await verb("end-session", license_key, "--yes")).toEqual(change);
  expect(await verb("cancel", license_key, "--yes")).toEqual(change);
  expect(await verb("cancel", license_key)).toEqual(["GetItem 1"]);
});

test("rekey is two reads and a write on each of two items", async () => {
  const { license_key } = await bot();
  const rekeyed = await verb("rekey", license_key, "--yes");
  expect(rekeyed).toEqual(["GetItem 1", "GetItem 1", "UpdateItem 1", "PutItem 1"]);
});

test("import reads 20 rows at a time, and writes each row once: none that stands already", async () => {
  const folder = mkdtempSync(join(tmpdir(), "license-sessions-cost-"));
  const file = join(folder, "two.csv");
  const header = "license_key,email,license_type,license_status,license_expiration";
  writeFileSync(file, `${header}\nCOST-1,,pro,active,\nCOST-2,,pro,active,\n`);
  const read = "BatchGetItem 1";
  expect(await verb("import", file, "--dry-run")).toEqual([read]);
  expect(await verb("import", file)).toEqual([read, "PutItem 1", "PutItem 1"]);
  expect(await verb("import", file)).toEqual([read]);
  expect(await verb("import", file, "--replace", "--yes")).toEqual([read]);
  writeFileSync(file, `${header}\nCOST-1,,gold,active,\nCOST-2,,pro,active,\n`);
  expect(await verb("import", file, "--replace", "--yes")).toEqual([read, "UpdateItem 1"]);
  rmSync(folder, { recursive: true });
});

test("export reads what was written last, at twice the price of a list", async () => {
  const consistent: unknown[] = [];
  meter.onCall((_operation, { ConsistentRead }) => {
    consistent.push(ConsistentRead);
    return undefined;
  });
  await verb("export");
  meter.onCall(() => undefined);
  expect(consistent).toEqual([true]);
});

test("list, online, export and a beginning of an id read each page once", async () => {
  const { license_key } = await bot();
  for (const words of [["list"], ["online"], ["export"], ["list", "--status", "suspended"]]) {
    const [scan, ...more] = await verb(...words);
    expect(scan).toMatch(/^Scan \d+(\.5)?$/);
    expect(more).toEqual([]);
  }
  const [key, scan, item, ...more] = await verb("show", licenseIdOf(license_key).slice(0, 12));
  expect([key, item]).toEqual([expect.stringMatching(/^GetItem/), "GetItem 1"]);
  expect(scan).toMatch(/^Scan/);
  expect(more).toEqual([]);
});
