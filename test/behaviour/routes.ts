import { describe, expect, test } from "vitest";
import type { Engine } from "../support/engines.ts";
import { openTestService } from "../support/test-service.ts";
import { deviceA, deviceB, heldByA as heldOn, runX, twoDevices } from "./two-devices.ts";

/** What the service promises and answers, shown by the three functions on a real engine. */
export function describeRoutes(engine: () => Engine): void {
  const heldByA = () => heldOn(engine());

  describe("the promise", () => {
    test("heartbeats every 20 s keep a second device out beyond 60 s", async () => {
      const { service, b, held } = await heldByA();
      for (let elapsed = 20; elapsed <= 300; elapsed += 20) {
        service.passSeconds(20);
        expect((await service.heartbeat(held)).status).toBe(200);
        expect(await service.validate(b)).toMatchObject({
          status: 403,
          body: { code: "session_conflict", estimated_wait_seconds: 60 },
        });
      }
    });

    test("60 s after the last heartbeat the second device is let in, and the first one's next heartbeat gets 500", async () => {
      const { service, b, held } = await heldByA();
      service.passSeconds(20);
      await service.heartbeat(held);
      service.passMs(59_999);
      expect((await service.validate(b)).status).toBe(403);
      service.passMs(1);
      expect((await service.validate(b)).status).toBe(200);
      expect(await service.heartbeat(held)).toMatchObject({
        status: 500,
        body: { code: "session_taken", session_conflict: true },
      });
    });
  });

  describe("POST /api/validate-license", () => {
    test("granted: 200 with all that a bot needs, and a session that says who and when", async () => {
      const service = openTestService(engine());
      const license_key = await service.license({
        licenseType: "pro",
        expiresAtMs: service.nowMs() + 86_400_000,
      });
      const reply = await service.validate({
        license_key,
        device_fingerprint: deviceA,
        symbol: "es",
        run_id: runX,
        claim_number: 1,
      });
      expect(reply).toEqual({
        status: 200,
        body: {
          license_valid: true,
          session_conflict: false,
          code: "granted",
          message: expect.any(String),
          license_type: "pro",
          expiry_date: "2026-01-06T12:00:00.000Z",
          symbol: "ES",
          active_symbols: ["ES"],
          session_id: expect.any(String),
          fencing_token: service.nowMs(),
          session_timeout_seconds: 60,
          heartbeat_interval_seconds: 20,
          held_for_seconds: 55,
        },
      });
      expect((await service.item(license_key))?.sessions).toEqual({
        ES: {
          device_fingerprint: deviceA,
          session_id: reply.body.session_id,
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

    test("a license without end has no expiry date, a claim without symbol echoes none", async () => {
      const service = openTestService(engine());
      const license_key = await service.license();
      const { body } = await service.validate({ license_key, device_fingerprint: deviceA });
      expect(body).toMatchObject({ expiry_date: null, active_symbols: ["*"] });
      expect(body).not.toHaveProperty("symbol");
    });

    test("check_only on a free session: available, and nothing is written", async () => {
      const service = openTestService(engine());
      const license_key = await service.license();
      const before = await service.item(license_key);
      const { status, body } = await service.validate({
        license_key,
        device_fingerprint: deviceA,
        check_only: true,
      });
      expect(status).toBe(200);
      expect(body).toEqual({
        license_valid: true,
        session_conflict: false,
        code: "available",
        message: expect.any(String),
        license_type: "standard",
        expiry_date: null,
        active_symbols: [],
        session_timeout_seconds: 60,
        heartbeat_interval_seconds: 20,
      });
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

    test.for([true, false])("unknown key: 401 (check_only %s)", async (check_only) => {
      const service = openTestService(engine());
      const unknown = { license_key: "no-such-key", device_fingerprint: deviceA, check_only };
      expect(await service.validate(unknown)).toEqual({
        status: 401,
        body: { license_valid: false, code: "license_unknown", message: expect.any(String) },
      });
      expect(await service.item("no-such-key")).toBeUndefined();
    });

    test.for(["suspended", "cancelled"] as const)(
      "%s license: 401, nothing written",
      async (status) => {
        const { service, license_key, a } = await heldByA();
        await service.change(license_key, { status });
        const before = await service.item(license_key);
        for (const check_only of [true, false]) {
          expect(await service.validate({ ...a, check_only })).toEqual({
            status: 401,
            body: {
              license_valid: false,
              code: `license_${status}`,
              message: expect.any(String),
            },
          });
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
      expect(await service.validate({ ...b })).toEqual({
        status: 403,
        body: {
          license_valid: false,
          session_conflict: true,
          code: "session_conflict",
          message: expect.any(String),
          active_device: "device-a...",
          held_by_this_device: false,
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
      await service.change(license_key, { license_expiration: service.nowMs() + 90 * 3_600_000 });
      const before = await service.item(license_key);
      service.passSeconds(20);
      const claimedAtMs = service.nowMs() - 20_000;
      expect(await service.heartbeat(held)).toEqual({
        status: 200,
        body: {
          status: "success",
          code: "recorded",
          message: expect.any(String),
          license_valid: true,
          session_conflict: false,
          active_symbols: ["*"],
          license_expiration: "2026-01-09T06:00:00.000Z",
          days_until_expiration: 3,
          hours_until_expiration: 90 - 20 / 3600,
          session_timeout_seconds: 60,
          held_for_seconds: 55,
          fencing_token: claimedAtMs,
        },
      });
      const session = before?.sessions["*"];
      expect(await service.item(license_key)).toEqual({
        ...before,
        sessions: {
          "*": {
            ...session,
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

    test("a license without end has null for what is left of it", async () => {
      const { service, held } = await heldByA();
      expect((await service.heartbeat(held)).body).toMatchObject({
        license_expiration: null,
        days_until_expiration: null,
        hours_until_expiration: null,
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

    test("another device holds the symbol: 500 session_taken", async () => {
      const { service, license_key, b } = await heldByA();
      const before = await service.item(license_key);
      expect(await service.heartbeat(b)).toEqual({
        status: 500,
        body: {
          status: "error",
          session_conflict: true,
          code: "session_taken",
          message: expect.any(String),
          active_device: "device-a...",
        },
      });
      expect(await service.item(license_key)).toEqual(before);
    });

    test("same device, other session_id: 500 session_replaced", async () => {
      const { service, license_key, a } = await heldByA();
      const before = await service.item(license_key);
      expect(await service.heartbeat({ ...a, session_id: "an-earlier-claim" })).toEqual({
        status: 500,
        body: {
          status: "error",
          session_conflict: true,
          code: "session_replaced",
          message: expect.any(String),
        },
      });
      expect(await service.item(license_key)).toEqual(before);
    });

    test("no such session: 500 session_not_found, and none is created", async () => {
      const service = openTestService(engine());
      const license_key = await service.license();
      const notFound = {
        status: 500,
        body: {
          status: "error",
          session_conflict: false,
          code: "session_not_found",
          message: expect.any(String),
        },
      };
      expect(await service.heartbeat({ license_key, device_fingerprint: deviceA })).toEqual(
        notFound,
      );
      expect((await service.item(license_key))?.sessions).toEqual({});
    });

    test("unknown key: 500 license_unknown, and no license is created", async () => {
      const service = openTestService(engine());
      const unknown = { license_key: "no-such-key", device_fingerprint: deviceA };
      expect(await service.heartbeat(unknown)).toEqual({
        status: 500,
        body: {
          status: "error",
          license_valid: false,
          code: "license_unknown",
          message: expect.any(String),
        },
      });
      expect(await service.item("no-such-key")).toBeUndefined();
    });

    test.for(["suspended", "cancelled"] as const)(
      "%s license: written, and answered 403",
      async (status) => {
        const { service, license_key, held } = await heldByA();
        await service.change(license_key, { status });
        service.passSeconds(20);
        expect(await service.heartbeat(held)).toEqual({
          status: 403,
          body: {
            status: "error",
            license_valid: false,
            code: `license_${status}`,
            message: expect.any(String),
          },
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
    test("released: 200, and the next device is let in at once", async () => {
      const { service, b, held } = await heldByA();
      expect(await service.release(held)).toEqual({
        status: 200,
        body: { status: "success", code: "released", message: expect.any(String) },
      });
      expect((await service.validate(b)).status).toBe(200);
    });

    test("a released session can't be revived by a late heartbeat", async () => {
      const { service, held } = await heldByA();
      await service.release(held);
      expect((await service.heartbeat(held)).body.code).toBe("session_not_found");
    });

    test("a caller that holds nothing gets 200 not_held and changes nothing", async () => {
      const { service, license_key, a, b } = await heldByA();
      const before = await service.item(license_key);
      const tries = [
        b,
        { ...a, session_id: "an-earlier-claim" },
        { ...a, symbol: "ES" },
        { ...a, license_key: "no-such-key" },
      ];
      for (const body of tries) {
        expect(await service.release(body)).toEqual({
          status: 200,
          body: { status: "info", code: "not_held", message: expect.any(String) },
        });
      }
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
