import { describe, expect, test } from "vitest";
import type { Engine } from "../../support/engines.ts";
import {
  deviceA,
  deviceB,
  heldByA as heldOn,
  runX,
  twoDevices,
} from "../../support/license-on-two-devices.ts";
import { openTestService } from "../../support/test-service.ts";

/**
 * What the service promises and answers, shown by the three functions on a real engine. Each answer
 * stands to the letter in `openapi.json`, which is compared with what the functions say.
 */
export function describeRoutes(engine: () => Engine): void {
  const heldByA = () => heldOn(engine());

  describe("POST /api/validate-license", () => {
    test("granted: 200, and a session that says who and when", async () => {
      const { service, license_key, x } = await twoDevices(engine());
      const { status, body } = await service.validate({ ...x(1), symbol: "es" });
      expect(status).toBe(200);
      expect((await service.item(license_key))?.sessions).toEqual({
        ES: {
          device_fingerprint: deviceA,
          session_id: body.session_id,
          fencing_token: service.nowMs(),
          run_id: runX,
          claim_number: 1,
          started_at: service.nowMs(),
          last_heartbeat: service.nowMs(),
          lease_ms: 60_000,
          lapses_at: service.nowMs() + 60_000,
        },
      });
    });

    test("check_only on a free session: available, no symbol is echoed, and nothing is written", async () => {
      const { service, license_key, a } = await twoDevices(engine());
      const before = await service.item(license_key);
      const { body } = await service.validate({ ...a, check_only: true });
      expect(body).toMatchObject({ code: "available", expiry_date: null, active_symbols: [] });
      expect(body).not.toHaveProperty("symbol");
      expect(await service.item(license_key)).toEqual(before);
    });

    test("check_only judges as that claim would be", async () => {
      const { service, a, b, x } = await heldByA();
      expect(await service.validate({ ...b, check_only: true })).toMatchObject({
        status: 403,
        body: { code: "session_conflict", estimated_wait_seconds: 60 },
      });
      expect((await service.validate({ ...x(2), check_only: true })).body.code).toBe("available");
      expect((await service.validate({ ...a, check_only: true })).body.code).toBe(
        "session_conflict",
      );
      service.passSeconds(60);
      expect((await service.validate({ ...b, check_only: true })).body.code).toBe("available");
    });

    test.for(["suspended", "cancelled"] as const)(
      "%s license: 401, nothing written",
      async (status) => {
        const { service, license_key, a } = await heldByA();
        await service.change(license_key, { status });
        const before = await service.item(license_key);
        const refused = { status: 401, body: { code: `license_${status}` } };
        for (const check_only of [true, false]) {
          expect(await service.validate({ ...a, check_only })).toMatchObject(refused);
        }
        expect(await service.item(license_key)).toEqual(before);
      },
    );

    test("a license is good until the instant of its expiration and expired at it", async () => {
      const service = openTestService(engine());
      const license_key = await service.license({ expiresAtMs: service.nowMs() + 1000 });
      const a = { license_key, device_fingerprint: deviceA };
      service.passMs(999);
      expect((await service.validate(a)).status).toBe(200);
      service.passMs(1);
      for (const check_only of [true, false]) {
        expect(await service.validate({ ...a, check_only })).toMatchObject({
          status: 401,
          body: { license_valid: false, code: "license_expired" },
        });
      }
    });

    test("held by another device: 403 with who and how long, rounded up", async () => {
      const { service, b, held } = await heldByA();
      service.passMs(20_000);
      await service.heartbeat({ ...held, status: "long \u001b[31m" });
      service.passMs(10_001);
      expect(await service.validate({ ...b })).toMatchObject({
        status: 403,
        body: {
          code: "session_conflict",
          active_device: "device-a...",
          estimated_wait_seconds: 50,
          holder: {
            device: "device-a...",
            since_seconds: 30,
            last_heartbeat_seconds_ago: 10,
            status: "long ?[31m",
          },
        },
      });
    });

    test("symbols are sessions of their own, in any case of letters", async () => {
      const service = openTestService(engine());
      const license_key = await service.license();
      const es = { license_key, device_fingerprint: deviceA, symbol: "ES" };
      expect((await service.validate(es)).status).toBe(200);
      const nq = { license_key, device_fingerprint: deviceB, symbol: "nq" };
      expect((await service.validate(nq)).body).toMatchObject({
        symbol: "NQ",
        active_symbols: ["ES", "NQ"],
      });
      expect(await service.validate({ ...nq, symbol: "es" })).toMatchObject({
        status: 403,
        body: { code: "session_conflict", symbol: "ES" },
      });
    });

    test("space around a key is ignored", async () => {
      const { service, license_key, b } = await heldByA();
      const padded = { ...b, license_key: `  ${license_key}\n` };
      expect((await service.validate(padded)).body.code).toBe("session_conflict");
    });
  });

  describe("POST /api/heartbeat", () => {
    test("recorded: 200, and nothing but the timer has changed", async () => {
      const { service, license_key, held } = await heldByA();
      const before = await service.item(license_key);
      service.passSeconds(20);
      expect(await service.heartbeat(held)).toMatchObject({
        status: 200,
        body: { code: "recorded", fencing_token: service.nowMs() - 20_000 },
      });
      expect(await service.item(license_key)).toEqual({
        ...before,
        sessions: {
          "*": {
            ...before?.sessions["*"],
            confirmed: true,
            last_heartbeat: service.nowMs(),
            lapses_at: service.nowMs() + 60_000,
          },
        },
      });
    });

    test("days until the end are rounded down; hours keep their fraction", async () => {
      const { service, license_key, held } = await heldByA();
      await service.change(license_key, { license_expiration: service.nowMs() + 86_400_000 });
      expect((await service.heartbeat(held)).body).toMatchObject({
        days_until_expiration: 1,
        hours_until_expiration: 24,
      });
      service.passMs(1);
      expect((await service.heartbeat(held)).body).toMatchObject({
        days_until_expiration: 0,
        hours_until_expiration: 24 - 1 / 3_600_000,
      });
    });

    test("what the bot reports is stored, and stays when it is not sent again", async () => {
      const { service, license_key, held } = await heldByA();
      const metadata = '{"z": 1.50, "big": 12345678901234567890, "2": {"a":[ ]}, "1":"é"}';
      const body = JSON.stringify({ ...held, bot_version: "1.2.3", status: "trading" });
      await service.heartbeat(`${body.slice(0, -1)}, "metadata" : ${metadata} }`);
      service.passSeconds(20);
      await service.heartbeat({ ...held, status: "paused" });
      expect((await service.item(license_key))?.sessions["*"]).toMatchObject({
        bot_version: "1.2.3",
        bot_status: "paused",
        metadata,
        last_heartbeat: service.nowMs(),
      });
    });

    test("a lapsed session that nobody has taken is revived", async () => {
      const { service, b, held } = await heldByA();
      service.passSeconds(3600);
      expect((await service.heartbeat(held)).status).toBe(200);
      expect((await service.validate(b)).status).toBe(403);
    });

    test.for([
      [
        "of another device",
        { device_fingerprint: deviceB, session_id: undefined },
        "session_taken",
      ],
      ["of an earlier claim", { session_id: "an-earlier-claim" }, "session_replaced"],
      ["of a symbol that nobody holds", { symbol: "ES" }, "session_not_found"],
    ] as const)("%s: 500, nothing written", async ([, other, code]) => {
      const { service, license_key, held } = await heldByA();
      const before = await service.item(license_key);
      expect(await service.heartbeat({ ...held, ...other })).toMatchObject({
        status: 500,
        body: { code },
      });
      expect(await service.item(license_key)).toEqual(before);
    });

    test.for(["suspended", "cancelled"] as const)(
      "%s license: written, and answered 403",
      async (status) => {
        const { service, license_key, held } = await heldByA();
        await service.change(license_key, { status });
        service.passSeconds(20);
        expect(await service.heartbeat(held)).toMatchObject({
          status: 403,
          body: { code: `license_${status}` },
        });
        expect((await service.session(license_key))?.last_heartbeat).toBe(service.nowMs());
      },
    );

    test("expired license: 403 at the instant of its expiration", async () => {
      const { service, license_key, held } = await heldByA();
      await service.change(license_key, { license_expiration: service.nowMs() + 20_000 });
      service.passMs(19_999);
      expect(await service.heartbeat(held)).toMatchObject({
        status: 200,
        body: { days_until_expiration: 0, hours_until_expiration: 1 / 3_600_000 },
      });
      service.passMs(1);
      expect(await service.heartbeat(held)).toMatchObject({
        status: 403,
        body: { license_valid: false, code: "license_expired" },
      });
    });
  });

  describe("POST /api/session/release", () => {
    test("released: no late heartbeat revives it, and the next device is let in at once", async () => {
      const { service, b, held } = await heldByA();
      expect((await service.release(held)).body.code).toBe("released");
      expect((await service.heartbeat(held)).body.code).toBe("session_not_found");
      expect((await service.validate(b)).status).toBe(200);
    });

    test.for<[who: string, other: object]>([
      ["another device", { device_fingerprint: deviceB, session_id: undefined }],
      ["who names an earlier claim", { session_id: "an-earlier-claim" }],
      ["who names another symbol", { symbol: "ES" }],
      ["whose key is unknown", { license_key: "no-such-key" }],
    ])("%s releases nothing, and changes nothing", async ([, other]) => {
      const { service, license_key, held } = await heldByA();
      const before = await service.item(license_key);
      expect((await service.release({ ...held, ...other })).body.code).toBe("not_held");
      expect(await service.item(license_key)).toEqual(before);
    });

    test("an ended license may release", async () => {
      const { service, license_key, held } = await heldByA();
      await service.change(license_key, { status: "cancelled" });
      expect((await service.release(held)).body.code).toBe("released");
    });
  });

  describe("MULTI_SYMBOL_SESSIONS=false", () => {
    test("all symbols share one session, and the symbol is still echoed", async () => {
      const service = openTestService(engine(), { multiSymbolSessions: false });
      const license_key = await service.license();
      const es = { license_key, device_fingerprint: deviceA, symbol: "es" };
      const { body } = await service.validate(es);
      expect(body).toMatchObject({ code: "granted", symbol: "ES" });
      const held = { ...es, session_id: body.session_id };
      expect(Object.keys((await service.item(license_key))?.sessions ?? {})).toEqual(["*"]);
      const nq = { license_key, device_fingerprint: deviceB, symbol: "NQ" };
      expect((await service.validate(nq)).body).toMatchObject({
        code: "session_conflict",
        symbol: "NQ",
      });
      expect((await service.heartbeat({ ...held, symbol: "NQ" })).body.symbol).toBe("NQ");
      expect((await service.release(held)).body.code).toBe("released");
    });
  });

  test("claim, heartbeat, release and their refusals cost one call each", async () => {
    const { service, a, b, ofB, held } = await heldByA();
    const unknown = { ...a, license_key: "none" };
    service.takeCalls();
    const callsOf = async (work: Promise<{ body: { code?: unknown } }>) => [
      (await work).body.code,
      ...service.takeCalls(),
    ];
    expect(await callsOf(service.heartbeat(held))).toEqual(["recorded", "UpdateItem"]);
    expect(await callsOf(service.validate(b))).toEqual(["session_conflict", "UpdateItem"]);
    expect(await callsOf(service.heartbeat(b))).toEqual(["session_taken", "UpdateItem"]);
    expect(await callsOf(service.release(held))).toEqual(["released", "UpdateItem"]);
    expect(await callsOf(service.heartbeat(held))).toEqual(["session_not_found", "UpdateItem"]);
    expect(await callsOf(service.validate(unknown))).toEqual(["license_unknown", "UpdateItem"]);
    expect(await callsOf(service.release(held))).toEqual(["not_held", "UpdateItem"]);
    expect(await callsOf(service.release(a))).toEqual(["not_held", "GetItem"]);
    expect(await callsOf(service.validate({ ...a, check_only: true }))).toEqual([
      "available",
      "GetItem",
    ]);
    // Else the token that the release raised would be ahead of the time.
    service.passMs(2);
    expect(await callsOf(service.validate(a))).toEqual(["granted", "UpdateItem"]);
    service.passSeconds(60);
    expect(await callsOf(service.validate(ofB(1)))).toEqual(["granted", "UpdateItem"]);
  });

  test.for([
    ["es", "ES"],
    [" ES 12-26 ", "ES 12-26"],
    ["BTC/USDT:USDT", "BTC/USDT:USDT"],
    ["**", "**"],
    ["\u5e01\u5b89\u4eba\u751fusdt", "\u5e01\u5b89\u4eba\u751fUSDT"],
    ["Nestle\u0301", "NESTL\u00c9"],
    ["ß", "SS"],
    ["x".repeat(128), "X".repeat(128)],
  ])("%s is the symbol %s", async ([asked, symbol]) => {
    const { service, a, x, b } = await twoDevices(engine());
    const { body } = await service.validate({ ...x(1), symbol: asked });
    expect(body.symbol).toBe(symbol);
    expect((await service.validate({ ...b, symbol })).body.code).toBe("session_conflict");
    const held = { ...a, symbol: asked, session_id: body.session_id };
    expect((await service.heartbeat(held)).status).toBe(200);
    expect((await service.release(held)).body.code).toBe("released");
  });
}
