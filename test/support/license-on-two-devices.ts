import type { NewLicense } from "../../ops/data/create-license.ts";
import type { Engine } from "./engines.ts";
import { openTestService, type TestServiceOptions } from "./test-service.ts";

export const deviceA = "device-a-0123456789";
export const deviceB = "device-b-0123456789";

/** Two runs of a program on device A, and one on device B. */
export const runX = "run-x-0123456789";
const runY = "run-y-0123456789";
const runB = "run-b-0123456789";

/** A service with one license, and callers on two devices. */
export async function twoDevices(
  engine: Engine,
  options?: TestServiceOptions,
  license?: Partial<NewLicense>,
) {
  const service = openTestService(engine, options);
  const license_key = await service.license(license);
  const a = { license_key, device_fingerprint: deviceA };
  const b = { license_key, device_fingerprint: deviceB };
  return {
    service,
    license_key,
    /** Without run: what old programs and curls send. */
    a,
    b,
    x: (claim_number: number) => ({ ...a, run_id: runX, claim_number }),
    y: (claim_number: number) => ({ ...a, run_id: runY, claim_number }),
    ofB: (claim_number: number) => ({ ...b, run_id: runB, claim_number }),
    symbols: async () => Object.keys((await service.item(license_key))?.sessions ?? {}).sort(),
  };
}

/** The same, where device A holds the session of no symbol by a named claim. */
export async function heldByA(
  engine: Engine,
  options?: TestServiceOptions,
  license?: Partial<NewLicense>,
) {
  const opened = await twoDevices(engine, options, license);
  const { body } = await opened.service.validate(opened.x(1));
  return { ...opened, held: { ...opened.a, session_id: String(body.session_id) } };
}

/** The same, by a claim without run. */
export async function heldUnnamedByA(engine: Engine, options?: TestServiceOptions) {
  const opened = await twoDevices(engine, options);
  const { body } = await opened.service.validate(opened.a);
  return { ...opened, held: { ...opened.a, session_id: String(body.session_id) } };
}
