import { describe, expect, test } from "vitest";
import type { Engine } from "../../support/engines.ts";
import { deviceA, deviceB, runX, twoDevices } from "../../support/license-on-two-devices.ts";

/** How many symbols are held at a time, and who gives up a seat. */
export function describeSeats(engine: () => Engine): void {
  /** Every seat is taken, one a second, by a device of its own. */
  async function fullLicense(maxSessions: number) {
    const opened = await twoDevices(engine(), {}, { maxSessions });
    const { service, license_key } = opened;
    const claim = (symbol: string, device_fingerprint = `device-of-${symbol}`) =>
      service.validate({ license_key, device_fingerprint, symbol });
    for (let seat = 1; seat <= maxSessions; seat++) {
      expect((await claim(`S${seat}`)).status).toBe(200);
      service.passSeconds(1);
    }
    return { ...opened, claim };
  }

  describe("a claim without a free seat", () => {
    test("is refused: who uses the seats, and the wait for the one that frees first", async () => {
      const { service, claim } = await fullLicense(3);
      expect(await claim("NEW", "device-of-S2")).toEqual({
        status: 403,
        body: {
          license_valid: false,
          session_conflict: true,
          code: "session_limit",
          message:
            "The license is fine, but all of its sessions (3) are in use: S1, S2 (this device), S3. Try again in 57 s.",
          active_device: "device...",
          held_by_this_device: false,
          estimated_wait_seconds: 57,
          symbol: "NEW",
          holder: {
            device: "device...",
            since_seconds: 3,
            last_heartbeat_seconds_ago: 3,
          },
        },
      });
      service.passSeconds(56);
      expect((await claim("NEW")).body.estimated_wait_seconds).toBe(1);
      expect((await claim("S2")).status).toBe(200);
    });

    test("displaces the one that has been free for longest, at the instant it is free, and only that", async () => {
      const { service, license_key, claim, symbols } = await fullLicense(3);
      service.passMs(56_999);
      expect((await claim("NEW")).body.code).toBe("session_limit");
      service.passMs(1);
      const { body } = await claim("NEW");
      expect(body).toMatchObject({ code: "granted", active_symbols: ["NEW", "S2", "S3"] });
      expect(await symbols()).toEqual(["NEW", "S2", "S3"]);
      const s1 = { license_key, device_fingerprint: "device-of-S1", symbol: "S1" };
      expect((await service.heartbeat(s1)).body.code).toBe("session_not_found");
    });

    test("has its own contested and vacant entries count, too", async () => {
      const { service, a, x } = await twoDevices(engine(), {}, { maxSessions: 1 });
      await service.validate({ ...x(1), symbol: "ES" });
      const { session_id } = (await service.validate({ ...x(2), symbol: "ES" })).body;
      await service.release({ ...a, symbol: "ES", session_id });
      expect((await service.validate({ ...x(3), symbol: "NQ" })).body).toMatchObject({
        code: "session_limit",
        held_by_this_device: true,
        estimated_wait_seconds: 60,
        message: expect.stringContaining("ES (this device)"),
      });
      service.passSeconds(60);
      expect((await service.validate({ ...x(3), symbol: "NQ" })).body.code).toBe("granted");
    });

    test("rivals for lapsed seats never get more than there are, and no seat stays empty", async () => {
      const { service, claim, symbols } = await fullLicense(4);
      service.passSeconds(70);
      const replies = await Promise.all(
        Array.from({ length: 12 }, (_, index) => claim(`R${index}`)),
      );
      expect(replies.filter(({ status }) => status === 200)).toHaveLength(4);
      expect(replies.filter(({ body }) => body.code === "session_limit")).toHaveLength(8);
      expect(await symbols()).toHaveLength(4);
    });
  });

  describe("seats that were taken away", () => {
    test("shrink the license to what is left, once enough is free", async () => {
      const { service, license_key, claim, symbols } = await fullLicense(4);
      await service.change(license_key, { max_sessions: 2 });
      // Three must lapse before there is room for one: the third of them claimed 2 s ago.
      expect((await claim("NEW")).body).toMatchObject({
        code: "session_limit",
        estimated_wait_seconds: 58,
      });
      service.passSeconds(58);
      expect((await claim("NEW")).status).toBe(200);
      expect(await symbols()).toEqual(["NEW", "S4"]);
    });

    test("are kept by who holds them live, over a restart as well, to the instant the lease is over", async () => {
      const { service, license_key, claim, symbols } = await fullLicense(3);
      await service.change(license_key, { max_sessions: 1 });
      service.passMs(57_999);
      expect((await claim("S2")).status).toBe(200);
      expect((await claim("S3")).status).toBe(200);
      expect(await symbols()).toEqual(["S1", "S2", "S3"]);
      service.passSeconds(60);
      expect((await claim("S2")).body.code).toBe("granted");
      expect(await symbols()).toEqual(["S2"]);
      expect((await claim("S3")).body.code).toBe("session_limit");
    });

    test("are not kept by a vacancy: one seat, two sessions, one ended by an operator, claimed again", async () => {
      const { service, license_key, x, symbols } = await twoDevices(engine());
      for (const symbol of ["ES", "NQ"]) await service.validate({ ...x(1), symbol });
      await service.change(license_key, { max_sessions: 1 });
      await service.endSession(license_key, "ES");
      expect((await service.validate({ ...x(2), symbol: "ES" })).body.code).toBe("session_limit");
      expect(await symbols()).toEqual(["ES", "NQ"]);
    });

    test.for([1, 5])("are claimed by nobody else (%i of 5 at one instant)", async (atOnce) => {
      const { service, license_key, claim, symbols } = await fullLicense(5);
      service.passSeconds(61);
      await service.change(license_key, { max_sessions: 1 });
      const codes = [];
      for (let index = 1; index <= 5; index += atOnce) {
        const some = Array.from({ length: atOnce }, (_, each) => `S${index + each}`);
        const replies = await Promise.all(some.map((symbol) => claim(symbol, `another-${symbol}`)));
        codes.push(...replies.map(({ body }) => body.code));
      }
      expect(codes.sort()).toEqual(["granted", ...Array(4).fill("session_limit")]);
      expect(await symbols()).toHaveLength(1);
    });

    test("leave no symbol: a license without seats says how many were asked for", async () => {
      const { service, a } = await twoDevices(engine(), {}, { maxSessions: 20 });
      await service.change(a.license_key, { max_sessions: 0 });
      expect((await service.validate(a)).body).toMatchObject({
        code: "session_limit",
        active_device: "device-a...",
        message: expect.stringContaining("allows 0 symbols at a time, and 1 were asked for"),
      });
    });
  });

  test.for([1, 2, 72, 73, 74, 99, 100])(
    "a claim that must displace %i entries displaces them, and check_only says so",
    async (surplus) => {
      const { service, license_key, symbols } = await twoDevices(
        engine(),
        {},
        { maxSessions: 100 },
      );
      const lapsed = (index: number) => ({
        device_fingerprint: deviceB,
        session_id: `session-${index}`,
        started_at: service.nowMs() + index,
        last_heartbeat: service.nowMs() + index,
        lease_ms: 60_000,
        lapses_at: service.nowMs() + index + 60_000,
      });
      await service.change(license_key, {
        max_sessions: 101 - surplus,
        sessions: Object.fromEntries(
          Array.from({ length: 100 }, (_, index) => [`S${index}`.padEnd(64, "-"), lapsed(index)]),
        ),
      });
      service.passSeconds(61);
      const claim = {
        license_key,
        device_fingerprint: deviceA,
        run_id: runX,
        claim_number: 1,
        symbol: "NEW",
      };
      expect((await service.validate({ ...claim, check_only: true })).body.code).toBe("available");
      expect((await service.validate(claim)).body.code).toBe("granted");
      expect(await symbols()).toHaveLength(101 - surplus);
    },
  );
}
