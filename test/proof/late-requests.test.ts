import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import type { License } from "../../lambdas/rules/license.ts";
import { type FaultyService, startFaultyService } from "./faulty-service.ts";
import { serveLicense } from "./served-license.ts";

const options = { sessionTimeoutMs: 60_000, multiSymbolSessions: true };
const nowMs = Date.UTC(2026, 0, 5, 12);
const a = { device: "alpha-0123456789", symbol: "ES" };
const b = { device: "bravo-0123456789", symbol: "ES" };
const beat = { verb: "heartbeat" as const, sessionId: undefined, report: {}, ...a };

let service: FaultyService;
beforeAll(async () => {
  vi.spyOn(console, "info").mockImplementation(() => {});
  service = await startFaultyService();
});
afterAll(() => service.stop());

/** A request that the network holds back until a later one has been served: how bad it can get. */
async function openDirectAndSlow(sessions: License["sessions"] = {}, maxSessions = 1) {
  const license = {
    status: "active" as const,
    license_type: "standard",
    max_sessions: maxSessions,
    fencing_token: 7,
    sessions,
  };
  const direct = await serveLicense(service.pastProxy, options, license);
  const engine = service.throughProxy();
  const slow = await serveLicense(engine, options, undefined, direct.licenseKey);
  return { direct, slow, hold: () => service.proxy.holdNext(direct.licenseId) };
}

const heldByA = {
  ES: {
    device_fingerprint: a.device,
    session_id: "held",
    started_at: nowMs,
    last_heartbeat: nowMs,
    lapses_at: nowMs + 60_000,
  },
};

describe("a request that arrives after a later one", () => {
  test("a heartbeat never sets the timer back", async () => {
    const { direct, slow, hold } = await openDirectAndSlow(heldByA);
    const held = hold();
    await slow.perform(beat, nowMs + 20_000);
    await direct.perform(beat, nowMs + 23_000);
    const before = await direct.stored();
    await held.deliver();
    expect(await direct.stored()).toEqual(before);
    expect((await direct.perform({ verb: "claim", ...b }, nowMs + 82_999)).status).toBe(403);
    expect((await direct.perform({ verb: "claim", ...b }, nowMs + 83_000)).status).toBe(200);
  });

  test("a heartbeat takes nothing from a device that was let in meanwhile", async () => {
    const { direct, slow, hold } = await openDirectAndSlow(heldByA);
    const held = hold();
    await slow.perform(beat, nowMs + 20_000);
    await direct.perform({ verb: "claim", ...b }, nowMs + 80_000);
    const before = await direct.stored();
    await held.deliver();
    expect(await direct.stored()).toEqual(before);
  });

  test("a claim takes nothing from another device, not even once that has lapsed", async () => {
    const { direct, slow, hold } = await openDirectAndSlow();
    const held = hold();
    await slow.perform({ verb: "claim", ...a }, nowMs);
    await direct.perform({ verb: "release", sessionId: undefined, ...a }, nowMs + 1_000);
    await direct.perform({ verb: "claim", ...b }, nowMs + 2_000);
    const before = await direct.stored();
    await held.deliver();
    expect(await direct.stored()).toEqual(before);
  });

  test("a claim that arrives after its release lets nobody in, and blocks at most its timeout", async () => {
    const { direct, slow, hold } = await openDirectAndSlow();
    const held = hold();
    const granted = await slow.perform({ verb: "claim", ...a }, nowMs);
    await direct.perform({ verb: "release", sessionId: undefined, ...a }, nowMs + 1_000);
    await held.deliver();
    const item = await direct.stored();
    expect(item?.sessions.ES).toMatchObject({ session_id: granted.body.session_id });
    expect(item?.fencing_token).toBe(9);
    expect((await direct.perform({ verb: "claim", ...b }, nowMs + 60_000)).status).toBe(200);
  });

  test("a release without session_id ends a later claim of its device; with it, it does not", async () => {
    for (const sessionId of [undefined, "held"]) {
      const { direct, slow, hold } = await openDirectAndSlow(heldByA);
      const held = hold();
      await slow.perform({ verb: "release", sessionId, ...a }, nowMs);
      await direct.perform({ verb: "claim", ...a }, nowMs + 1_000);
      await held.deliver();
      const stillThere = (await direct.stored())?.sessions.ES !== undefined;
      expect(stillThere).toBe(sessionId !== undefined);
    }
  });
});

test("a claim whose answer is lost may get the token of a later claim for another symbol", async () => {
  const { direct, slow } = await openDirectAndSlow({}, 2);
  service.proxy.plan(direct.licenseId, ["answer lost"]);
  const lost = slow.perform({ verb: "claim", ...a }, nowMs);
  await service.proxy.firstFaultOver(direct.licenseId);
  const other = await direct.perform({ verb: "claim", ...b, symbol: "NQ" }, nowMs);
  expect(other.body.fencing_token).toBe(9);
  expect((await lost).body).toMatchObject({ code: "granted", fencing_token: 9 });
});
