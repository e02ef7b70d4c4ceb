import { describe, expect, test } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import type { Engine } from "../support/engines.ts";
import { openTestService, type TestServiceOptions } from "../support/test-service.ts";

const deviceA = "device-a-0123456789";
const deviceB = "device-b-0123456789";

/** What the service promises, shown by the three functions on a real engine. */
export function describeRoutes(engineName: string, startEngine: () => Promise<Engine>): void {
  describe(`on ${engineName}`, () => {
    const engine = engineForTests(startEngine);

    /** A service with one license on which device A holds the session of no symbol. */
    async function heldByA(options?: TestServiceOptions) {
      const service = openTestService(engine(), options);
      const license_key = await service.license();
      const a = { license_key, device_fingerprint: deviceA };
      const b = { license_key, device_fingerprint: deviceB };
      const { body } = await service.validate(a);
      return { service, license_key, a, b, session_id: body.session_id };
    }

    describe("the promise", () => {
      test("heartbeats every 20 s keep a second device out beyond 60 s", async () => {
        const { service, a, b } = await heldByA();
        for (let elapsed = 20; elapsed <= 300; elapsed += 20) {
          service.passSeconds(20);
          expect((await service.heartbeat(a)).status).toBe(200);
          expect(await service.validate(b)).toMatchObject({
            status: 403,
            body: { code: "session_conflict", estimated_wait_seconds: 60 },
          });
        }
      });

      test("60 s after the last heartbeat the second device is let in, and the first one's next heartbeat gets 500", async () => {
        const { service, a, b } = await heldByA();
        service.passSeconds(20);
        await service.heartbeat(a);
        service.passMs(59_999);
        expect((await service.validate(b)).status).toBe(403);
        service.passMs(1);
        expect((await service.validate(b)).status).toBe(200);
        expect(await service.heartbeat(a)).toMatchObject({
          status: 500,
          body: { code: "session_taken", session_conflict: true },
        });
      });

      test("of many devices that claim at one instant exactly one is let in", async () => {
        const service = openTestService(engine());
        const license_key = await service.license();
        const devices = Array.from({ length: 20 }, (_, index) => `device-${index}-of-twenty`);
        const replies = await Promise.all(
          devices.map((device_fingerprint) =>
            service.validate({ license_key, device_fingerprint }),
          ),
        );
        expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
        expect(replies.filter(({ body }) => body.code === "session_conflict")).toHaveLength(19);
      });

      test("a late heartbeat that races a new claim never leaves two holders", async () => {
        for (let round = 0; round < 20; round++) {
          const { service, a, b } = await heldByA();
          service.passSeconds(60);
          const [beat, claim] = await Promise.all([service.heartbeat(a), service.validate(b)]);
          expect([beat.status, claim.status].filter((status) => status === 200)).toHaveLength(1);
        }
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
            fencing_token: 1,
            session_timeout_seconds: 60,
            heartbeat_interval_seconds: 20,
          },
        });
        expect((await service.item(license_key))?.sessions).toEqual({
          ES: {
            device_fingerprint: deviceA,
            session_id: reply.body.session_id,
            started_at: service.nowMs(),
            last_heartbeat: service.nowMs(),
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

      test("a timeout of less than 3 s still names an interval of 1 s", async () => {
        const service = openTestService(engine(), { sessionTimeoutSeconds: 2 });
        const license_key = await service.license();
        const { body } = await service.validate({ license_key, device_fingerprint: deviceA });
        expect(body).toMatchObject({ session_timeout_seconds: 2, heartbeat_interval_seconds: 1 });
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

      test("check_only judges as a claim would", async () => {
        const { service, a, b } = await heldByA();
        expect(await service.validate({ ...b, check_only: true })).toMatchObject({
          status: 403,
          body: { code: "session_conflict", estimated_wait_seconds: 60 },
        });
        expect((await service.validate({ ...a, check_only: true })).body.code).toBe("available");
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
        await service.release(a);
        expect((await service.validate(a)).body.code).toBe("license_expired");
      });

      test("held by another device: 403 with who and how long, rounded up", async () => {
        const { service, b } = await heldByA();
        service.passMs(10_001);
        expect(await service.validate({ ...b })).toEqual({
          status: 403,
          body: {
            license_valid: false,
            session_conflict: true,
            code: "session_conflict",
            message: expect.any(String),
            active_device: "device-a...",
            estimated_wait_seconds: 50,
          },
        });
      });

      test("the same device may claim again: new session_id, next token, the old claim is replaced", async () => {
        const { service, a, session_id } = await heldByA();
        const again = await service.validate(a);
        expect(again).toMatchObject({ status: 200, body: { code: "granted", fencing_token: 2 } });
        expect(again.body.session_id).not.toBe(session_id);
        expect((await service.heartbeat({ ...a, session_id })).body.code).toBe("session_replaced");
      });

      test("the token rises with every claim and survives release", async () => {
        const { service, a, b } = await heldByA();
        await service.release(a);
        expect((await service.validate(b)).body.fencing_token).toBe(2);
        await service.release(b);
        expect((await service.validate(a)).body.fencing_token).toBe(3);
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

    describe("seats", () => {
      async function fullLicense(maxSessions: number) {
        const service = openTestService(engine());
        const license_key = await service.license({ maxSessions });
        const claim = (symbol: string, device_fingerprint = `device-of-${symbol}`) =>
          service.validate({ license_key, device_fingerprint, symbol });
        for (let seat = 1; seat <= maxSessions; seat++) {
          expect((await claim(`S${seat}`)).status).toBe(200);
          service.passSeconds(1);
        }
        return { service, license_key, claim };
      }

      test("no seat left: 403, and the wait is for the seat that frees first", async () => {
        const { service, claim } = await fullLicense(3);
        expect(await claim("NEW")).toEqual({
          status: 403,
          body: {
            license_valid: false,
            session_conflict: true,
            code: "session_limit",
            message: expect.any(String),
            active_device: "device...",
            estimated_wait_seconds: 57,
            symbol: "NEW",
          },
        });
        service.passSeconds(56);
        expect((await claim("NEW")).body.estimated_wait_seconds).toBe(1);
      });

      test("a full license still renews a session it holds", async () => {
        const { claim } = await fullLicense(3);
        expect((await claim("S2")).status).toBe(200);
      });

      test("a full license displaces the session that lapsed longest ago, and only that one", async () => {
        const { service, license_key, claim } = await fullLicense(3);
        service.passSeconds(58);
        expect(await claim("NEW")).toMatchObject({
          status: 200,
          body: { code: "granted", active_symbols: ["NEW", "S3"], fencing_token: 4 },
        });
        expect(Object.keys((await service.item(license_key))?.sessions ?? {}).sort()).toEqual([
          "NEW",
          "S2",
          "S3",
        ]);
      });

      test("check_only reports that a lapsed seat can be had", async () => {
        const { service, license_key } = await fullLicense(2);
        const check = { license_key, device_fingerprint: deviceB, symbol: "NEW", check_only: true };
        expect((await service.validate(check)).body.code).toBe("session_limit");
        service.passSeconds(60);
        expect((await service.validate(check)).body.code).toBe("available");
      });

      test("a displaced session can't be revived", async () => {
        const { service, license_key, claim } = await fullLicense(1);
        service.passSeconds(60);
        await claim("NEW");
        expect(
          await service.heartbeat({
            license_key,
            device_fingerprint: "device-of-S1",
            symbol: "S1",
          }),
        ).toMatchObject({ status: 500, body: { code: "session_not_found" } });
      });

      test("rivals for lapsed seats never get more sessions than there are seats, and no seat stays empty", async () => {
        const { service, license_key, claim } = await fullLicense(4);
        service.passSeconds(70);
        const replies = await Promise.all(
          Array.from({ length: 12 }, (_, index) => claim(`R${index}`)),
        );
        expect(replies.filter(({ status }) => status === 200)).toHaveLength(4);
        expect(replies.filter(({ body }) => body.code === "session_limit")).toHaveLength(8);
        expect(Object.keys((await service.item(license_key))?.sessions ?? {})).toHaveLength(4);
      });

      test("revival and displacement of one session: one of them wins", async () => {
        for (let round = 0; round < 20; round++) {
          const { service, license_key, claim } = await fullLicense(1);
          service.passSeconds(60);
          const s1 = { license_key, device_fingerprint: "device-of-S1", symbol: "S1" };
          const [beat, claimed] = await Promise.all([service.heartbeat(s1), claim("NEW")]);
          expect([beat.status, claimed.status].filter((status) => status === 200)).toHaveLength(1);
          expect(Object.keys((await service.item(license_key))?.sessions ?? {})).toHaveLength(1);
        }
      });

      test("a license that was given fewer seats than it has sessions shrinks to them", async () => {
        const { service, license_key, claim } = await fullLicense(4);
        await service.change(license_key, { max_sessions: 2 });
        // Three must lapse before there is room for one: the third of them claimed 2 s ago.
        expect((await claim("NEW")).body).toMatchObject({
          code: "session_limit",
          estimated_wait_seconds: 58,
        });
        service.passSeconds(58);
        expect((await claim("NEW")).status).toBe(200);
        expect(Object.keys((await service.item(license_key))?.sessions ?? {}).sort()).toEqual([
          "NEW",
          "S4",
        ]);
      });
    });

    describe("POST /api/heartbeat", () => {
      test("recorded: 200, and nothing but the timer has changed", async () => {
        const { service, license_key, a, session_id } = await heldByA();
        await service.change(license_key, { license_expiration: service.nowMs() + 90 * 3_600_000 });
        const before = await service.item(license_key);
        service.passSeconds(20);
        expect(await service.heartbeat({ ...a, session_id })).toEqual({
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
          },
        });
        const session = before?.sessions["*"];
        expect(await service.item(license_key)).toEqual({
          ...before,
          sessions: {
            "*": {
              ...session,
              last_heartbeat: service.nowMs(),
              lapses_at: service.nowMs() + 60_000,
            },
          },
        });
      });

      test("days until the end are rounded down; hours keep their fraction", async () => {
        const { service, license_key, a } = await heldByA();
        await service.change(license_key, { license_expiration: service.nowMs() + 86_400_000 });
        expect((await service.heartbeat(a)).body).toMatchObject({
          days_until_expiration: 1,
          hours_until_expiration: 24,
        });
        service.passMs(1);
        expect((await service.heartbeat(a)).body).toMatchObject({
          days_until_expiration: 0,
          hours_until_expiration: 24 - 1 / 3_600_000,
        });
      });

      test("a license without end has null for what is left of it", async () => {
        const { service, a } = await heldByA();
        expect((await service.heartbeat(a)).body).toMatchObject({
          license_expiration: null,
          days_until_expiration: null,
          hours_until_expiration: null,
        });
      });

      test("what the bot reports is stored, and stays when it is not sent again", async () => {
        const { service, license_key, a } = await heldByA();
        const metadata = '{"z": 1.50, "big": 12345678901234567890, "2": {"a":[ ]}, "1":"é"}';
        const body = JSON.stringify({ ...a, bot_version: "1.2.3", status: "trading" });
        await service.heartbeat(`${body.slice(0, -1)}, "metadata" : ${metadata} }`);
        service.passSeconds(20);
        await service.heartbeat({ ...a, status: "paused" });
        expect((await service.item(license_key))?.sessions["*"]).toMatchObject({
          bot_version: "1.2.3",
          bot_status: "paused",
          metadata,
          last_heartbeat: service.nowMs(),
        });
      });

      test("a lapsed session that nobody has taken is revived", async () => {
        const { service, a, b, session_id } = await heldByA();
        service.passSeconds(3600);
        expect((await service.heartbeat({ ...a, session_id })).status).toBe(200);
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
          const { service, license_key, a } = await heldByA();
          await service.change(license_key, { status });
          service.passSeconds(20);
          expect(await service.heartbeat(a)).toEqual({
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
        const { service, license_key, a } = await heldByA();
        await service.change(license_key, { license_expiration: service.nowMs() + 20_000 });
        service.passMs(19_999);
        expect(await service.heartbeat(a)).toMatchObject({
          status: 200,
          body: { days_until_expiration: 0, hours_until_expiration: 1 / 3_600_000 },
        });
        service.passMs(1);
        expect(await service.heartbeat(a)).toMatchObject({
          status: 403,
          body: { license_valid: false, code: "license_expired" },
        });
      });
    });

    describe("POST /api/session/release", () => {
      test("released: 200, and the next device is let in at once", async () => {
        const { service, a, b, session_id } = await heldByA();
        expect(await service.release({ ...a, session_id })).toEqual({
          status: 200,
          body: { status: "success", code: "released", message: expect.any(String) },
        });
        expect((await service.validate(b)).status).toBe(200);
      });

      test("a released session can't be revived by a late heartbeat", async () => {
        const { service, a } = await heldByA();
        await service.release(a);
        expect((await service.heartbeat(a)).body.code).toBe("session_not_found");
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
        const { service, license_key, a } = await heldByA();
        await service.change(license_key, { status: "cancelled" });
        expect((await service.release(a)).body.code).toBe("released");
      });
    });

    describe("MULTI_SYMBOL_SESSIONS=false", () => {
      test("all symbols share one session, and the symbol is still echoed", async () => {
        const service = openTestService(engine(), { multiSymbolSessions: false });
        const license_key = await service.license();
        const es = { license_key, device_fingerprint: deviceA, symbol: "es" };
        expect((await service.validate(es)).body).toMatchObject({ code: "granted", symbol: "ES" });
        expect(Object.keys((await service.item(license_key))?.sessions ?? {})).toEqual(["*"]);
        const nq = { license_key, device_fingerprint: deviceB, symbol: "NQ" };
        expect((await service.validate(nq)).body).toMatchObject({
          code: "session_conflict",
          symbol: "NQ",
        });
        expect((await service.heartbeat({ ...es, symbol: "NQ" })).body.symbol).toBe("NQ");
        expect((await service.release(es)).body.code).toBe("released");
      });
    });

    describe("one call each", () => {
      test("claim, heartbeat, release and their refusals cost one UpdateItem", async () => {
        const { service, a, b } = await heldByA();
        const written = ["UpdateItem"];
        const refused = engine().askForRefusedItem ? ["UpdateItem", "GetItem"] : ["UpdateItem"];
        service.takeCalls();
        const callsOf = async (work: Promise<unknown>) => {
          await work;
          return service.takeCalls();
        };
        expect(await callsOf(service.heartbeat(a))).toEqual(written);
        expect(await callsOf(service.validate(b))).toEqual(refused);
        expect(await callsOf(service.heartbeat(b))).toEqual(refused);
        expect(await callsOf(service.release(a))).toEqual(written);
        expect(await callsOf(service.heartbeat(a))).toEqual(refused);
        expect(await callsOf(service.validate({ ...a, license_key: "none" }))).toEqual(refused);
        expect(await callsOf(service.release(a))).toEqual(refused);
        expect(await callsOf(service.validate({ ...a, check_only: true }))).toEqual(["GetItem"]);
      });
    });
  });
}
