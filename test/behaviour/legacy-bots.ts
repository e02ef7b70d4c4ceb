import { describe, expect, test } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import type { Engine } from "../support/engines.ts";
import { openTestService } from "../support/test-service.ts";

const deviceA = "device-a-0123456789";
const deviceB = "device-b-0123456789";

/** What `LEGACY_BOTS` changes for requests without `session_id`, and for no others. */
export function describeLegacyBots(engineName: string, startEngine: () => Promise<Engine>): void {
  describe(`LEGACY_BOTS on ${engineName}`, () => {
    const engine = engineForTests(startEngine);

    async function openLicense(maxSessions = 20) {
      const service = openTestService(engine(), { legacyBots: true });
      const license_key = await service.license({ maxSessions });
      const a = { license_key, device_fingerprint: deviceA };
      const b = { license_key, device_fingerprint: deviceB };
      return { service, license_key, a, b };
    }

    describe("a heartbeat", () => {
      test("of a symbol that nobody holds claims it, with its report, by one write after the one that was refused", async () => {
        const { service, license_key, a, b } = await openLicense();
        service.takeCalls();
        const report = { bot_version: "1.2", status: "trading", metadata: { orders: 2 } };
        expect(await service.heartbeat({ ...a, ...report })).toMatchObject({
          status: 200,
          body: { code: "recorded", status: "success", active_symbols: ["*"] },
        });
        expect(service.takeCalls().filter((call) => call === "UpdateItem")).toHaveLength(2);
        expect(await service.session(license_key)).toMatchObject({
          device_fingerprint: deviceA,
          started_at: service.nowMs(),
          lapses_at: service.nowMs() + 60_000,
          bot_version: "1.2",
          bot_status: "trading",
          metadata: '{"orders":2}',
        });
        expect((await service.item(license_key))?.fencing_token).toBe(1);
        expect((await service.validate(b)).body.code).toBe("session_conflict");
      });

      test("that is ordinary stays one call", async () => {
        const { service, a } = await openLicense();
        await service.validate(a);
        service.takeCalls();
        expect((await service.heartbeat(a)).status).toBe(200);
        expect(service.takeCalls()).toEqual(["UpdateItem"]);
      });

      test("takes what another device let lapse, at the instant it lapses and not before", async () => {
        const { service, a, b } = await openLicense();
        await service.validate(b);
        service.passMs(59_999);
        expect(await service.heartbeat(a)).toMatchObject({
          status: 403,
          body: { code: "session_taken", session_conflict: true, active_device: "device-b..." },
        });
        service.passMs(1);
        expect((await service.heartbeat(a)).body.code).toBe("recorded");
        expect((await service.heartbeat(b)).body.code).toBe("session_taken");
      });

      test("of a device that was let in by a claim is the other device's end: 403 without license_valid", async () => {
        const { service, a, b } = await openLicense();
        await service.validate(a);
        service.passSeconds(60);
        await service.validate(b);
        const { status, body } = await service.heartbeat(a);
        expect(status).toBe(403);
        expect(body.session_conflict).toBe(true);
        expect(body).not.toHaveProperty("license_valid");
        expect(body.message).not.toContain("expir");
      });

      test("finds no seat: 403, a session is in the way", async () => {
        const { service, a, b } = await openLicense(1);
        await service.validate({ ...b, symbol: "NQ" });
        expect(await service.heartbeat({ ...a, symbol: "ES" })).toMatchObject({
          status: 403,
          body: { code: "session_limit", session_conflict: true },
        });
      });

      test.for(["suspended", "cancelled", "expired", "unknown"] as const)(
        "of a bot without session learns that the license is %s: 403",
        async (end) => {
          const { service, license_key, a } = await openLicense();
          if (end === "expired") await service.change(license_key, { license_expiration: 1 });
          else if (end !== "unknown") await service.change(license_key, { status: end });
          const beat = end === "unknown" ? { ...a, license_key: "NO-SUCH-KEY" } : a;
          expect(await service.heartbeat(beat)).toMatchObject({
            status: 403,
            body: { license_valid: false, code: `license_${end}` },
          });
        },
      );

      test("of a session that an operator ended is refused, also once it has lapsed", async () => {
        const { service, license_key, a, b } = await openLicense();
        await service.validate(a);
        await service.endSession(license_key);
        for (const seconds of [0, 59, 1, 3_600]) {
          service.passSeconds(seconds);
          expect(await service.heartbeat(a)).toMatchObject({
            status: 403,
            body: { code: "session_ended", session_conflict: true },
          });
        }
        expect((await service.validate(b)).status).toBe(200);
      });

      test("that is late stays a 500", async () => {
        const { service, a } = await openLicense();
        await service.validate(a);
        service.passMs(-1);
        expect(await service.heartbeat(a)).toMatchObject({
          status: 500,
          body: { code: "heartbeat_late" },
        });
      });

      test("with session_id is judged strictly in the same deployment", async () => {
        const { service, license_key, a } = await openLicense();
        const strict = { ...a, session_id: "a-claim-of-mine" };
        expect(await service.heartbeat(strict)).toMatchObject({
          status: 500,
          body: { code: "session_not_found" },
        });
        expect((await service.item(license_key))?.sessions).toEqual({});
        await service.change(license_key, { status: "suspended" });
        expect((await service.heartbeat(strict)).status).toBe(500);
      });

      test("claims once, however many arrive at one instant", async () => {
        const { service, license_key, a, b } = await openLicense();
        const replies = await Promise.all(
          [a, b, a, b, a, b].map((device) => service.heartbeat(device)),
        );
        const holder = (await service.session(license_key))?.device_fingerprint;
        const kept = replies.filter(({ status }) => status === 200);
        expect(kept.length).toBeGreaterThan(0);
        expect(replies.filter(({ status }) => status === 403)).toHaveLength(3);
        expect([deviceA, deviceB]).toContain(holder);
      });
    });

    describe("a release without session_id", () => {
      test("leaves a session younger than two minutes to lapse, and frees one that is older", async () => {
        const { service, a, b } = await openLicense();
        await service.validate(a);
        for (let elapsed = 0; elapsed < 119; elapsed += 17) {
          service.passSeconds(17);
          await service.heartbeat(a);
        }
        service.passMs(999);
        expect(await service.release(a)).toMatchObject({
          status: 200,
          body: { status: "info", code: "left_to_lapse" },
        });
        expect((await service.validate(b)).status).toBe(403);
        service.passMs(1);
        expect((await service.release(a)).body.code).toBe("released");
        expect((await service.validate(b)).status).toBe(200);
      });

      test("leaves a session that replaced another to lapse: two copies share it", async () => {
        const { service, a, b } = await openLicense();
        await service.validate(a);
        await service.validate(a);
        for (let elapsed = 0; elapsed < 180; elapsed += 20) {
          service.passSeconds(20);
          await service.heartbeat(a);
        }
        expect((await service.release(a)).body.code).toBe("left_to_lapse");
        expect((await service.validate(b)).status).toBe(403);
      });

      test("leaves to lapse what a heartbeat claimed: nobody knows how many copies run", async () => {
        const { service, a, b } = await openLicense();
        await service.heartbeat(a);
        for (let elapsed = 0; elapsed < 180; elapsed += 20) {
          service.passSeconds(20);
          await service.heartbeat(a);
        }
        expect((await service.release(a)).body.code).toBe("left_to_lapse");
        expect((await service.validate(b)).status).toBe(403);
      });

      test("leaves to lapse what was claimed over the device's own lapsed session: its first copy may only wait", async () => {
        const { service, a, b } = await openLicense();
        await service.validate(a);
        service.passSeconds(90);
        expect((await service.validate(a)).body.code).toBe("granted");
        for (let elapsed = 0; elapsed < 180; elapsed += 20) {
          service.passSeconds(20);
          await service.heartbeat(a);
        }
        expect((await service.release(a)).body.code).toBe("left_to_lapse");
        expect((await service.validate(b)).status).toBe(403);
      });

      test("leaves to lapse what was claimed over the device's own lapsed session when seats were taken away", async () => {
        const { service, license_key, a, b } = await openLicense();
        await service.validate({ ...b, symbol: "NQ" });
        service.passSeconds(61);
        await service.validate(a);
        service.passSeconds(61);
        await service.change(license_key, { max_sessions: 1 });
        expect((await service.validate({ ...a, check_only: true })).body.code).toBe("available");
        expect((await service.validate(a)).body.code).toBe("granted");
        expect(Object.keys((await service.item(license_key))?.sessions ?? {})).toEqual(["*"]);
        expect((await service.release(a)).body.code).toBe("left_to_lapse");
        expect((await service.validate(b)).status).toBe(403);
      });

      test("with session_id frees it at once, however young", async () => {
        const { service, a, b } = await openLicense();
        const { session_id } = (await service.validate(a)).body;
        expect((await service.release({ ...a, session_id })).body.code).toBe("released");
        expect((await service.validate(b)).status).toBe(200);
      });
    });

    test("a claim over the device's own lapsed session is marked as shared only if it has no claim_id, and only with it", async () => {
      const { service, license_key, a } = await openLicense();
      const claimAgain = async (claim: object, legacyBots: boolean) => {
        service.deploy({ legacyBots });
        service.passSeconds(3_600);
        expect((await service.validate(claim)).body.code).toBe("granted");
        return (await service.session(license_key))?.contested_until;
      };
      await service.validate(a);
      expect(await claimAgain({ ...a, claim_id: "a-claim-of-mine" }, true)).toBeUndefined();
      expect(await claimAgain(a, false)).toBeUndefined();
      expect(await claimAgain(a, true)).toBeLessThan(service.nowMs());
    });

    test("off, every refused heartbeat is a 500 and none claims", async () => {
      const { service, license_key, a, b } = await openLicense();
      service.deploy({});
      expect((await service.heartbeat(a)).status).toBe(500);
      expect((await service.item(license_key))?.sessions).toEqual({});
      await service.validate(b);
      expect((await service.heartbeat(a)).status).toBe(500);
      expect((await service.release(b)).body.code).toBe("released");
    });

    test("the message of a refused claim says that the license is fine, who holds it, and how long to wait", async () => {
      const { service, a, b } = await openLicense(1);
      await service.validate(a);
      service.passMs(500);
      const { message } = (await service.validate(b)).body;
      expect(message).toMatch(/license is fine.*device-a\.\.\..*60 s/);
      const limit = (await service.validate({ ...b, symbol: "NQ" })).body;
      expect(limit.message).toMatch(/license is fine.*device-a\.\.\..*60 s/);
    });

    test("what the legacy bots read has the type they expect", async () => {
      const { service, license_key, a, b } = await openLicense();
      await service.change(license_key, { license_expiration: service.nowMs() + 1_800_000 });
      const types = ({ body }: { body: Record<string, unknown> }) =>
        Object.fromEntries(Object.entries(body).map(([name, value]) => [name, typeof value]));
      expect(types(await service.validate(a))).toMatchObject({
        license_valid: "boolean",
        session_conflict: "boolean",
        message: "string",
        license_type: "string",
        expiry_date: "string",
        active_symbols: "object",
      });
      expect(types(await service.validate(b))).toMatchObject({
        license_valid: "boolean",
        session_conflict: "boolean",
        message: "string",
        active_device: "string",
        estimated_wait_seconds: "number",
      });
      const recorded = await service.heartbeat(a);
      expect(types(recorded)).toMatchObject({
        status: "string",
        message: "string",
        license_valid: "boolean",
        session_conflict: "boolean",
        license_expiration: "string",
        days_until_expiration: "number",
        hours_until_expiration: "number",
      });
      // What blocks new trades: above 0 and at most 2.
      expect(recorded.body.hours_until_expiration).toBe(0.5);
      expect(types(await service.heartbeat(b))).toMatchObject({
        session_conflict: "boolean",
        message: "string",
      });
      await service.change(license_key, { status: "suspended" });
      expect(types(await service.heartbeat(a))).toMatchObject({
        license_valid: "boolean",
        message: "string",
      });
    });
  });
}
