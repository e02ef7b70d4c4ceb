import { describe, expect, test } from "vitest";
import type { Engine } from "../../support/engines.ts";
import { deviceA, twoDevices } from "../../support/license-on-two-devices.ts";
import type { Reply } from "../../support/test-service.ts";

/** What `LEGACY_BOTS` changes for requests that name neither run nor session, and for no others. */
export function describeLegacyBots(engine: () => Engine): void {
  describe("LEGACY_BOTS", () => {
    const openLicense = (maxSessions = 20) =>
      twoDevices(engine(), { legacyBots: true }, { maxSessions });

    type Opened = Awaited<ReturnType<typeof openLicense>>;
    async function beatFor({ service, a }: Opened, seconds: number) {
      for (let elapsed = 0; elapsed < seconds; elapsed += 20) {
        service.passSeconds(20);
        expect((await service.heartbeat(a)).status).toBe(200);
      }
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
          shared: true,
        });
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

      test("finds no seat because of a session that was just left to lapse: a 500, so the bot goes on", async () => {
        const { service, a, b } = await openLicense(1);
        await service.validate({ ...b, symbol: "NQ" });
        await service.release({ ...b, symbol: "NQ" });
        expect(await service.heartbeat({ ...a, symbol: "ES" })).toMatchObject({
          status: 500,
          body: { code: "session_left", session_conflict: false },
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

      test("of another device, where the session in the way was left and only waits to lapse, lets the bot go on: 500", async () => {
        const { service, a, b } = await openLicense();
        await service.validate(a);
        expect((await service.release(a)).body.code).toBe("left_to_lapse");
        expect(await service.heartbeat(b)).toMatchObject({
          status: 500,
          body: { code: "session_left", session_conflict: false },
        });
        expect((await service.validate(b)).body.code).toBe("session_conflict");
        // A second copy still runs.
        expect((await service.heartbeat(a)).status).toBe(200);
        expect(await service.heartbeat(b)).toMatchObject({
          status: 403,
          body: { code: "session_taken" },
        });
        await service.release(a);
        service.passSeconds(60);
        expect((await service.heartbeat(b)).body.code).toBe("recorded");
        expect((await service.heartbeat(a)).status).toBe(403);
      });

      test("is refused by what another program on its device, or on another, holds by name", async () => {
        const { service, a, b, x } = await openLicense();
        await service.validate(x(1));
        expect(await service.heartbeat(a)).toMatchObject({
          status: 403,
          body: { code: "session_replaced", session_conflict: true },
        });
        expect((await service.heartbeat(b)).body.code).toBe("session_taken");
        expect((await service.release(a)).body.code).toBe("not_held");
      });

      test("brings back what an operator ended only once nothing of it stands", async () => {
        const { service, license_key, a, b } = await openLicense();
        await service.validate(a);
        await service.endSession(license_key, "*", { now: true });
        expect((await service.heartbeat(a)).body.code).toBe("session_ended");
        const { session_id } = (await service.validate(b)).body;
        expect((await service.heartbeat(a)).body.code).toBe("session_taken");
        await service.release({ ...b, session_id });
        expect((await service.heartbeat(a)).body.code).toBe("recorded");
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

      test.for<[what: string, begin: (opened: Opened) => Promise<unknown>]>([
        [
          "replaced another: two copies share it",
          async ({ service, a }) => {
            await service.validate(a);
            await service.validate(a);
          },
        ],
        [
          "a heartbeat claimed: nobody knows how many copies run",
          ({ service, a }) => service.heartbeat(a),
        ],
        [
          "was claimed over the device's own lapsed session: its first copy may only wait",
          async ({ service, a }) => {
            await service.validate(a);
            service.passSeconds(90);
            expect((await service.validate(a)).body.code).toBe("granted");
          },
        ],
      ])("leaves to lapse what %s", async ([, begin]) => {
        const opened = await openLicense();
        const { service, a, b } = opened;
        await begin(opened);
        await beatFor(opened, 180);
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

    describe("a claim over an entry of its own device", () => {
      const marked = async ({ service, license_key, a }: Opened, claim: object = a) => {
        expect((await service.validate(claim)).body.code).toBe("granted");
        return (await service.session(license_key))?.shared === true;
      };

      test.for([
        [299_999, true],
        [300_000, false],
      ] as const)(
        "that was left %i ms ago is marked as shared: %s",
        async ([sinceMs, isMarked]) => {
          const opened = await openLicense();
          const { service, a, b } = opened;
          await service.validate(a);
          await service.validate(a);
          await service.release(a);
          service.passMs(sinceMs);
          expect(await marked(opened)).toBe(isMarked);
          await beatFor(opened, 120);
          expect((await service.release(a)).body.code).toBe(
            isMarked ? "left_to_lapse" : "released",
          );
          expect((await service.validate(b)).status).toBe(isMarked ? 403 : 200);
        },
      );

      test("that a copy renewed after it was left is marked, however long ago", async () => {
        const opened = await openLicense();
        await opened.service.validate(opened.a);
        await opened.service.release(opened.a);
        await beatFor(opened, 20);
        opened.service.passSeconds(3_600);
        expect(await marked(opened)).toBe(true);
      });

      test("is marked only of a bot that names no run, and only with LEGACY_BOTS", async () => {
        const opened = await openLicense();
        const { service, a, x } = opened;
        await service.validate(a);
        expect(await marked(opened, x(1))).toBe(false);
        service.passSeconds(60);
        service.deploy({});
        expect(await marked(opened)).toBe(false);
        service.deploy({ legacyBots: true });
        expect(await marked(opened)).toBe(true);
      });

      test("with one seat, is let in again after the proper close of a single copy", async () => {
        const { service, a, b } = await openLicense(1);
        await service.validate(a);
        service.passSeconds(120);
        expect((await service.release(a)).body.code).toBe("released");
        expect((await service.validate({ ...b, symbol: "ES" })).body.code).toBe("granted");
      });
    });

    test("off, every refused heartbeat is a 500 and none claims", async () => {
      const { service, license_key, a, b } = await openLicense();
      service.deploy({});
      expect((await service.heartbeat(a)).status).toBe(500);
      expect((await service.item(license_key))?.sessions).toEqual({});
      await service.validate(b);
      expect((await service.heartbeat(a)).status).toBe(500);
      expect((await service.release(b)).body.code).toBe("left_to_lapse");
    });

    test("the message of a refused start, which those bots print, is true: whose session it is, or what ended", async () => {
      const { service, license_key, a, b } = await openLicense(1);
      const messageTo = async (bot: object) => (await service.validate(bot)).body.message;
      expect(await messageTo({ ...b, license_key: "x" })).toContain("no license with this key");
      await service.validate(a);
      service.passMs(500);
      expect(await messageTo(b)).toMatch(/license is fine.*device-a\.\.\..*60 s/);
      expect(await messageTo({ ...b, symbol: "NQ" })).toMatch(
        /license is fine.*\(1\) are in use: a session without symbol\. .*60 s/,
      );
      expect(await messageTo({ ...a, symbol: "NQ" })).toContain("without symbol (this device)");
      await service.endSession(license_key);
      expect((await service.heartbeat(a)).body.message).toContain("operator ended");
      await service.change(license_key, { status: "suspended" });
      expect(await messageTo(a)).toContain("is suspended");
    });

    test("a session that its bot left, and another program keeps by name, refuses the legacy bot of another device", async () => {
      const { service, a, b } = await twoDevices(engine(), { legacyBots: true });
      const { session_id } = (await service.validate(a)).body;
      service.passSeconds(10);
      expect((await service.release(a)).body.code).toBe("left_to_lapse");
      service.passSeconds(10);
      expect(await service.heartbeat(b)).toMatchObject({
        status: 500,
        body: { code: "session_left" },
      });
      expect((await service.heartbeat({ ...a, session_id })).status).toBe(200);
      expect(await service.heartbeat(b)).toMatchObject({
        status: 403,
        body: { code: "session_taken" },
      });
    });

    test("what the legacy bots read is there, and has the type they expect", async () => {
      const { service, license_key, a, b } = await openLicense();
      await service.change(license_key, { license_expiration: service.nowMs() + 1_800_000 });
      const ofAll = { session_conflict: "boolean", message: "string" };
      const ofClaim = { ...ofAll, license_valid: "boolean" };
      const expectTypes = ({ body }: Reply, types: Record<string, string>) => {
        const found = Object.keys(types).map((name) => [name, typeof body[name]]);
        expect(Object.fromEntries(found)).toEqual(types);
      };
      expectTypes(await service.validate(a), {
        ...ofClaim,
        license_type: "string",
        expiry_date: "string",
        active_symbols: "object",
      });
      expectTypes(await service.validate(b), {
        ...ofClaim,
        active_device: "string",
        estimated_wait_seconds: "number",
      });
      const recorded = await service.heartbeat(a);
      expectTypes(recorded, {
        ...ofClaim,
        status: "string",
        license_expiration: "string",
        days_until_expiration: "number",
        hours_until_expiration: "number",
      });
      // What blocks new trades: above 0 and at most 2.
      expect(recorded.body.hours_until_expiration).toBe(0.5);
      expectTypes(await service.heartbeat(b), ofAll);
      await service.change(license_key, { status: "suspended" });
      expectTypes(await service.heartbeat(a), { license_valid: "boolean", message: "string" });
    });
  });
}
