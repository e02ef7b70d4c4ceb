import { afterAll, beforeAll, expect, test } from "vitest";
import { startDynalite } from "../../support/engines.ts";
import { operator } from "../../support/license-command.ts";
import { startMeter } from "../../support/meter.ts";
import { openScene } from "../../support/scene.ts";

const dayMs = 86_400_000;

let engine: Awaited<ReturnType<typeof startDynalite>>;
let meter: Awaited<ReturnType<typeof startMeter>>;
beforeAll(async () => {
  engine = await startDynalite();
  meter = await startMeter(engine);
});
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
  const scene = openScene(engine);
  return { scene, license: operator(meter, { now: scene.nowMs }) };
}

test("a license whose answer is lost is made once, and its key is told", async () => {
  const { scene, license } = unlucky("PutItem");
  const { exitCode, stdout } = await license("create --json");
  expect(exitCode).toBe(0);
  expect(await scene.item(JSON.parse(stdout).license_key)).toMatchObject({ status: "active" });
});

test("an extension whose answer is lost is made once", async () => {
  const { scene, license } = unlucky("UpdateItem");
  const key = await scene.license({ expiresAtMs: scene.nowMs() + dayMs });
  expect((await license(["extend", key, "--days", "5"])).exitCode).toBe(0);
  expect((await scene.item(key))?.license_expiration).toBe(scene.nowMs() + 6 * dayMs);
});

test.for(["UpdateItem", "PutItem"])(
  "a rekey whose answer to %s is lost is finished, and the key that it told works",
  async (operation) => {
    const { scene, license } = unlucky(operation);
    const key = await scene.license();
    const { exitCode, stdout } = await license(["rekey", key, "--yes", "--json"]);
    expect(exitCode).toBe(0);
    const check = { license_key: JSON.parse(stdout).license_key, device_fingerprint: "device-a" };
    expect((await scene.validate({ ...check, check_only: true })).body.code).toBe("available");
  },
);
