import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { keepQuietAndPatient } from "../proof/proof-engine.ts";
import type { Engine } from "../support/engines.ts";
import { openScene } from "../support/scene.ts";

const deviceA = "device-a-0123456789";
const deviceB = "device-b-0123456789";

/** What `LEGACY_BOTS` changes for requests without `session_id`, and for no others. */
export function describeLegacyBots(engineName: string, startEngine: () => Promise<Engine>): void {
  describe(`LEGACY_BOTS on ${engineName}`, () => {
    let engine: Engine;
    beforeAll(async () => {
      engine = await startEngine();
      keepQuietAndPatient();
    });
    afterAll(async () => {
      vi.useRealTimers();
      await engine.stop();
    });

    async function openLicense(maxSessions = 20) {
      const scene = openScene(engine, { legacyBots: true });
      const license_key = await scene.license({ maxSessions });
      const a = { license_key, device_fingerprint: deviceA };
      const b = { license_key, device_fingerprint: deviceB };
      return { scene, license_key, a, b };
    }

    describe("a heartbeat", () => {
      test("of a symbol that nobody holds claims it, with its report, by one write", async () => {
        const { scene, license_key, a, b } = await openLicense();
        scene.takeCalls();
        const report = { bot_version: "1.2", status: "trading", metadata: { orders: 2 } };
        expect(await scene.heartbeat({ ...a, ...report })).toMatchObject({
          status: 200,
          body: { code: "recorded", status: "success", active_symbols: ["*"] },
        });
        expect(scene.takeCalls().filter((call) => call === "UpdateItem")).toHaveLength(2);
        expect(await scene.session(license_key)).toMatchObject({
          device_fingerprint: deviceA,
          started_at: scene.nowMs(),
          lapses_at: scene.nowMs() + 60_000,
          bot_version: "1.2",
          bot_status: "trading",
          metadata: '{"orders":2}',
        });
        expect((await scene.item(license_key))?.fencing_token).toBe(1);
        expect((await scene.validate(b)).body.code).toBe("session_conflict");
      });

      test("that is ordinary stays one call", async () => {
        const { scene, a } = await openLicense();
        await scene.validate(a);
        scene.takeCalls();
        expect((await scene.heartbeat(a)).status).toBe(200);
        expect(scene.takeCalls()).toEqual(["UpdateItem"]);
      });

      test("takes what another device let lapse, at the instant it lapses and not before", async () => {
        const { scene, a, b } = await openLicense();
        await scene.validate(b);
        scene.passMs(59_999);
        expect(await scene.heartbeat(a)).toMatchObject({
          status: 403,
          body: { code: "session_taken", session_conflict: true, active_device: "device-b..." },
        });
        scene.passMs(1);
        expect((await scene.heartbeat(a)).body.code).toBe("recorded");
        expect((await scene.heartbeat(b)).body.code).toBe("session_taken");
      });

      test("of a device that was let in by a claim is the other device's end: 403 without license_valid", async () => {
        const { scene, a, b } = await openLicense();
        await scene.validate(a);
        scene.passSeconds(60);
        await scene.validate(b);
        const { status, body } = await scene.heartbeat(a);
        expect(status).toBe(403);
        expect(body.session_conflict).toBe(true);
        expect(body).not.toHaveProperty("license_valid");
        expect(body.message).not.toContain("expir");
      });

      test("finds no seat: 403, a session is in the way", async () => {
        const { scene, a, b } = await openLicense(1);
        await scene.validate({ ...b, symbol: "NQ" });
        expect(await scene.heartbeat({ ...a, symbol: "ES" })).toMatchObject({
          status: 403,
          body: { code: "session_limit", session_conflict: true },
        });
      });

      test.for(["suspended", "cancelled", "expired", "unknown"] as const)(
        "of a bot without session learns that the license is %s: 403",
        async (end) => {
          const { scene, license_key, a } = await openLicense();
          if (end === "expired") await scene.change(license_key, { license_expiration: 1 });
          else if (end !== "unknown") await scene.change(license_key, { status: end });
          const beat = end === "unknown" ? { ...a, license_key: "NO-SUCH-KEY" } : a;
          expect(await scene.heartbeat(beat)).toMatchObject({
            status: 403,
            body: { license_valid: false, code: `license_${end}` },
          });
        },
      );

      test("of a session that an operator ended is refused, also once it has lapsed", async () => {
        const { scene, license_key, a, b } = await openLicense();
        await scene.validate(a);
        await scene.endSession(license_key);
        for (const seconds of [0, 59, 1, 3_600]) {
          scene.passSeconds(seconds);
          expect(await scene.heartbeat(a)).toMatchObject({
            status: 403,
            body: { code: "session_ended", session_conflict: true },
          });
        }
        expect((await scene.validate(b)).status).toBe(200);
      });

      test("that is late stays a 500", async () => {
        const { scene, a } = await openLicense();
        await scene.validate(a);
        scene.passMs(-1);
        expect(await scene.heartbeat(a)).toMatchObject({
          status: 500,
          body: { code: "heartbeat_late" },
        });
      });

      test("with session_id is judged strictly in the same deployment", async () => {
        const { scene, license_key, a } = await openLicense();
        const strict = { ...a, session_id: "a-claim-of-mine" };
        expect(await scene.heartbeat(strict)).toMatchObject({
          status: 500,
          body: { code: "session_not_found" },
        });
        expect((await scene.item(license_key))?.sessions).toEqual({});
        await scene.change(license_key, { status: "suspended" });
        expect((await scene.heartbeat(strict)).status).toBe(500);
      });

      test("claims once, however many arrive at one instant", async () => {
        const { scene, license_key, a, b } = await openLicense();
        const replies = await Promise.all(
          [a, b, a, b, a, b].map((device) => scene.heartbeat(device)),
        );
        const holder = (await scene.session(license_key))?.device_fingerprint;
        const kept = replies.filter(({ status }) => status === 200);
        expect(kept.length).toBeGreaterThan(0);
        expect(replies.filter(({ status }) => status === 403)).toHaveLength(3);
        expect([deviceA, deviceB]).toContain(holder);
      });
    });

    describe("a release without session_id", () => {
      test("leaves a session younger than two minutes to lapse, and frees one that is older", async () => {
        const { scene, a, b } = await openLicense();
        await scene.validate(a);
        for (let elapsed = 0; elapsed < 119; elapsed += 17) {
          scene.passSeconds(17);
          await scene.heartbeat(a);
        }
        scene.passMs(999);
        expect(await scene.release(a)).toMatchObject({
          status: 200,
          body: { status: "info", code: "left_to_lapse" },
        });
        expect((await scene.validate(b)).status).toBe(403);
        scene.passMs(1);
        expect((await scene.release(a)).body.code).toBe("released");
        expect((await scene.validate(b)).status).toBe(200);
      });

      test("leaves a session that replaced another to lapse: two copies share it", async () => {
        const { scene, a, b } = await openLicense();
        await scene.validate(a);
        await scene.validate(a);
        for (let elapsed = 0; elapsed < 180; elapsed += 20) {
          scene.passSeconds(20);
          await scene.heartbeat(a);
        }
        expect((await scene.release(a)).body.code).toBe("left_to_lapse");
        expect((await scene.validate(b)).status).toBe(403);
      });

      test("leaves to lapse what a heartbeat claimed: nobody knows how many copies run", async () => {
        const { scene, a, b } = await openLicense();
        await scene.heartbeat(a);
        for (let elapsed = 0; elapsed < 180; elapsed += 20) {
          scene.passSeconds(20);
          await scene.heartbeat(a);
        }
        expect((await scene.release(a)).body.code).toBe("left_to_lapse");
        expect((await scene.validate(b)).status).toBe(403);
      });

      test("leaves to lapse what was claimed over the device's own lapsed session: its first copy may only wait", async () => {
        const { scene, a, b } = await openLicense();
        await scene.validate(a);
        scene.passSeconds(90);
        expect((await scene.validate(a)).body.code).toBe("granted");
        for (let elapsed = 0; elapsed < 180; elapsed += 20) {
          scene.passSeconds(20);
          await scene.heartbeat(a);
        }
        expect((await scene.release(a)).body.code).toBe("left_to_lapse");
        expect((await scene.validate(b)).status).toBe(403);
      });

      test("leaves to lapse what was claimed over the device's own lapsed session when seats were taken away", async () => {
        const { scene, license_key, a, b } = await openLicense();
        await scene.validate({ ...b, symbol: "NQ" });
        scene.passSeconds(61);
        await scene.validate(a);
        scene.passSeconds(61);
        await scene.change(license_key, { max_sessions: 1 });
        expect((await scene.validate({ ...a, check_only: true })).body.code).toBe("available");
        expect((await scene.validate(a)).body.code).toBe("granted");
        expect(Object.keys((await scene.item(license_key))?.sessions ?? {})).toEqual(["*"]);
        expect((await scene.release(a)).body.code).toBe("left_to_lapse");
        expect((await scene.validate(b)).status).toBe(403);
      });

      test("with session_id frees it at once, however young", async () => {
        const { scene, a, b } = await openLicense();
        const { session_id } = (await scene.validate(a)).body;
        expect((await scene.release({ ...a, session_id })).body.code).toBe("released");
        expect((await scene.validate(b)).status).toBe(200);
      });
    });

    test("off, every refused heartbeat is a 500 and none claims", async () => {
      const { scene, license_key, a, b } = await openLicense();
      scene.deploy({});
      expect((await scene.heartbeat(a)).status).toBe(500);
      expect((await scene.item(license_key))?.sessions).toEqual({});
      await scene.validate(b);
      expect((await scene.heartbeat(a)).status).toBe(500);
      expect((await scene.release(b)).body.code).toBe("released");
    });

    test("the message of a refused claim says that the license is fine, who holds it, and how long to wait", async () => {
      const { scene, a, b } = await openLicense(1);
      await scene.validate(a);
      scene.passMs(500);
      const { message } = (await scene.validate(b)).body;
      expect(message).toMatch(/license is fine.*device-a\.\.\..*60 s/);
      const limit = (await scene.validate({ ...b, symbol: "NQ" })).body;
      expect(limit.message).toMatch(/license is fine.*device-a\.\.\..*60 s/);
    });

    test("what the bots in the field read has the type they expect", async () => {
      const { scene, license_key, a, b } = await openLicense();
      await scene.change(license_key, { license_expiration: scene.nowMs() + 1_800_000 });
      const types = ({ body }: { body: Record<string, unknown> }) =>
        Object.fromEntries(Object.entries(body).map(([name, value]) => [name, typeof value]));
      expect(types(await scene.validate(a))).toMatchObject({
        license_valid: "boolean",
        session_conflict: "boolean",
        message: "string",
        license_type: "string",
        expiry_date: "string",
        active_symbols: "object",
      });
      expect(types(await scene.validate(b))).toMatchObject({
        license_valid: "boolean",
        session_conflict: "boolean",
        message: "string",
        active_device: "string",
        estimated_wait_seconds: "number",
      });
      const recorded = await scene.heartbeat(a);
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
      expect(types(await scene.heartbeat(b))).toMatchObject({
        session_conflict: "boolean",
        message: "string",
      });
      await scene.change(license_key, { status: "suspended" });
      expect(types(await scene.heartbeat(a))).toMatchObject({
        license_valid: "boolean",
        message: "string",
      });
    });
  });
}
