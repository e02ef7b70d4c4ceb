import { afterAll, expect, test } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { startMeter } from "../../support/meter.ts";
import { openTestService } from "../../support/test-service.ts";
import { dayMs } from "../new-license.ts";

const engine = await startDynalite();
const meter = await startMeter(engine);
afterAll(async () => {
  await meter.stop();
  await engine.stop();
});

/** An operator whose first write of this kind is applied, but never answered. */
function unlucky(operation: string) {
  let lost = false;
  meter.onCall((called) => {
    if (lost || called !== operation) return undefined;
    lost = true;
    return "lose the answer";
  });
  const service = openTestService(engine);
  return { service, license: operator(meter, { now: service.nowMs }) };
}

test("a license whose answer is lost is made once, and its key is printed", async () => {
  const { service, license } = unlucky("PutItem");
  const { exitCode, stdout } = await license("create --json");
  expect(exitCode).toBe(0);
  expect(await service.item(JSON.parse(stdout).license_key)).toMatchObject({ status: "active" });
});

test("an extension whose answer is lost is made once", async () => {
  const { service, license } = unlucky("UpdateItem");
  const key = await service.license({ expiresAtMs: service.nowMs() + dayMs });
  expect((await license(["extend", key, "--days", "5"])).exitCode).toBe(0);
  expect((await service.item(key))?.license_expiration).toBe(service.nowMs() + 6 * dayMs);
});

test.for(["UpdateItem", "PutItem"])(
  "a rekey whose answer to %s is lost is finished, and the key that it printed works",
  async (operation) => {
    const { service, license } = unlucky(operation);
    const key = await service.license();
    const { exitCode, stdout } = await license(["rekey", key, "--yes", "--json"]);
    expect(exitCode).toBe(0);
    const check = { license_key: JSON.parse(stdout).license_key, device_fingerprint: "device-a" };
    expect((await service.validate({ ...check, check_only: true })).body.code).toBe("available");
  },
);
