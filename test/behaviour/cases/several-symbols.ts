import { describe, expect, test } from "vitest";
import type { Engine } from "../../support/engines.ts";
import { deviceA, runX, twoDevices } from "../../support/license-on-two-devices.ts";
import type { TestServiceOptions } from "../../support/test-service.ts";

/** One session of several symbols: granted for all or none, kept by one heartbeat, lost one by one. */
export function describeSeveralSymbols(engine: () => Engine): void {
  async function heldByA(symbols: string[], options?: TestServiceOptions, maxSessions = 20) {
    const opened = await twoDevices(engine(), options, { maxSessions });
    const { body } = await opened.service.validate({ ...opened.x(1), symbols });
    expect(body.code).toBe("granted");
    const held = { ...opened.a, session_id: String(body.session_id) };
    return { ...opened, held, all: { ...held, symbols }, granted: body };
  }

  describe("a claim of several symbols", () => {
    test("is one grant: one lease and token, and of each symbol no more than whose it is", async () => {
      const { service, license_key, held, granted } = await heldByA(["eurusd", "GBPUSD"]);
      expect(granted).toMatchObject({
        symbols: ["eurusd", "GBPUSD"],
        active_symbols: ["EURUSD", "GBPUSD"],
        fencing_token: service.nowMs(),
        held_for_seconds: 55,
      });
      expect(granted).not.toHaveProperty("symbol");
      const [, key = ""] = held.session_id.split(".");
      expect(key).toHaveLength(3);
      expect(await service.item(license_key)).toMatchObject({
        sessions: { EURUSD: key, GBPUSD: key },
        portfolios: {
          [key]: {
            device_fingerprint: deviceA,
            session_id: held.session_id,
            fencing_token: service.nowMs(),
            run_id: runX,
            claim_number: 1,
            lease_ms: 60_000,
            lapses_at: service.nowMs() + 60_000,
          },
        },
      });
    });

    test("is granted for all or for none, and a refusal lists each in the way, as it was asked for", async () => {
      const { service, license_key, b, ofB } = await heldByA(["ES", "NQ", "CL"]);
      service.passSeconds(10);
      await service.validate({ ...b, symbol: "GC" });
      const before = await service.item(license_key);
      const rival = { ...ofB(1), device_fingerprint: "a-third-device-01" };
      const { status, body } = await service.validate({
        ...rival,
        symbols: ["SI", "nq", "gc", "ES"],
      });
      expect(status).toBe(403);
      expect(body).toMatchObject({
        code: "session_conflict",
        message:
          "The license is fine, but in use on another device (device-a...). Not free: nq, gc, ES. Try again in 50 s.",
        active_device: "device-a...",
      });
      expect(body.blocked).toMatchObject([
        { symbol: "nq", active_device: "device-a...", estimated_wait_seconds: 50 },
        { symbol: "gc", active_device: "device-b...", estimated_wait_seconds: 60 },
        { symbol: "ES", active_device: "device-a...", estimated_wait_seconds: 50 },
      ]);
      expect(await service.item(license_key)).toEqual(before);
      // A bot may go on with the others.
      expect((await service.validate({ ...rival, symbols: ["SI"] })).body.code).toBe("granted");
    });

    test("that repeats itself begins the lease of all anew; of other symbols it is over", async () => {
      const { service, b, x, granted } = await heldByA(["ES", "NQ"]);
      service.passSeconds(40);
      const again = await service.validate({ ...x(1), symbols: ["ES", "NQ"] });
      expect(again.body).toEqual(granted);
      service.passMs(59_999);
      expect((await service.validate({ ...b, symbol: "NQ" })).status).toBe(403);
      const wider = { ...x(1), symbols: ["ES", "NQ", "CL"] };
      expect((await service.validate(wider)).body.code).toBe("claim_late");
    });

    test("whose opening is over for one symbol is late, whatever else is in the way of the others", async () => {
      const { service, b, x, all } = await heldByA(["ES"]);
      await service.heartbeat(all);
      await service.validate({ ...b, symbol: "NQ" });
      const late = { ...x(1), symbols: ["NQ", "ES"] };
      for (const only_if_free of [true, false]) {
        expect((await service.validate({ ...late, only_if_free })).body.code).toBe("claim_late");
      }
      expect((await service.validate({ ...x(2), symbols: ["NQ", "ES"] })).body.code).toBe(
        "session_conflict",
      );
      const wary = { ...x(2), symbols: ["CL", "ES"], only_if_free: true };
      expect((await service.validate(wary)).body.blocked).toMatchObject([
        { symbol: "ES", held_by_this_device: true },
      ]);
    });

    test("of a restart with another list takes what it names, and leaves the rest to lapse", async () => {
      const { service, b, y, a, all, held } = await heldByA(["ES", "NQ", "CL"]);
      service.passSeconds(20);
      const { body } = await service.validate({ ...y(1), symbols: ["NQ", "GC"] });
      expect(body.active_symbols).toEqual(["CL", "ES", "GC", "NQ"]);
      expect((await service.heartbeat(all)).body).toMatchObject({
        code: "session_replaced",
        symbols_held: ["ES", "CL"],
        symbols_lost: [{ symbol: "NQ", code: "session_replaced" }],
      });
      expect((await service.heartbeat({ ...held, symbols: ["ES"] })).body.code).toBe("recorded");
      const restarted = { ...a, session_id: body.session_id, symbols: ["NQ", "GC"] };
      // What was never contested waits as well: the contest stands once for the session.
      expect((await service.release({ ...restarted, symbols: ["GC"] })).body.message).toContain(
        "40 s",
      );
      service.passMs(39_999);
      expect((await service.validate({ ...b, symbol: "GC" })).status).toBe(403);
      service.passMs(1);
      expect((await service.validate({ ...b, symbol: "GC" })).status).toBe(200);
      expect((await service.heartbeat({ ...restarted, symbols: ["NQ"] })).status).toBe(200);
    });

    test("takes a seat for each", async () => {
      const { service, license_key, x, ofB, all, symbols } = await heldByA(
        ["S1", "S2", "S3"],
        {},
        5,
      );
      expect(
        (await service.validate({ ...ofB(1), symbols: ["T1", "T2", "T3"] })).body,
      ).toMatchObject({
        code: "session_limit",
        estimated_wait_seconds: 60,
      });
      expect((await service.validate({ ...ofB(1), symbols: ["T1", "T2"] })).body.code).toBe(
        "granted",
      );
      const six = Array.from({ length: 6 }, (_, index) => `T${index}`);
      expect((await service.validate({ ...ofB(2), symbols: six })).body).toMatchObject({
        code: "session_limit",
        message: expect.stringContaining("3 of its 5 sessions are in use"),
      });
      // Seats that were taken away are kept by who holds every symbol live.
      await service.change(license_key, { max_sessions: 1 });
      expect((await service.heartbeat(all)).status).toBe(200);
      expect((await service.validate({ ...x(2), symbols: ["S1", "S2", "S3"] })).status).toBe(200);
      expect((await service.validate({ ...x(3), symbols: ["S1", "S4"] })).body.code).toBe(
        "session_limit",
      );
      expect(await symbols()).toEqual(["S1", "S2", "S3", "T1", "T2"]);
    });

    test("displaces those that have been free for longest, out of the middle of a session as well", async () => {
      const { service, license_key, ofB, held, symbols } = await heldByA(["S1", "S2", "S3"], {}, 4);
      service.passSeconds(60);
      expect((await service.validate({ ...ofB(1), symbols: ["T1", "T2", "T3"] })).status).toBe(200);
      expect(await symbols()).toHaveLength(4);
      const [left = ""] = (await symbols()).filter((symbol) => symbol.startsWith("S"));
      expect((await service.heartbeat({ ...held, symbols: [left] })).body.code).toBe("recorded");
      expect(Object.keys((await service.item(license_key))?.portfolios ?? {})).toHaveLength(2);
    });
  });

  describe("a heartbeat of several symbols", () => {
    test("renews all by one write, also those that it does not name", async () => {
      const { service, b, held } = await heldByA(["es", "NQ"]);
      service.passSeconds(40);
      service.takeCalls();
      expect((await service.heartbeat({ ...held, symbols: ["es"] })).body).toMatchObject({
        code: "recorded",
        symbols: ["es"],
        active_symbols: ["ES", "NQ"],
        held_for_seconds: 55,
      });
      expect(service.takeCalls()).toEqual(["UpdateItem"]);
      service.passMs(59_999);
      expect((await service.validate({ ...b, symbol: "NQ" })).status).toBe(403);
    });

    test.for(["ended", "taken", "replaced", "released", "never granted"] as const)(
      "names the symbol that was %s, and renews the rest until it is left out",
      async (how) => {
        const { service, license_key, b, y, held, all } = await heldByA(["ES", "nq", "CL"]);
        const expected = {
          ended: { code: "session_ended" },
          taken: { code: "session_taken", active_device: "device-b..." },
          replaced: { code: "session_replaced" },
          released: { code: "session_not_found" },
          "never granted": { code: "session_not_found" },
        }[how];
        const lost = how === "never granted" ? "gc" : "nq";
        if (how === "ended") await service.endSession(license_key, "NQ");
        if (how === "replaced") await service.validate({ ...y(1), symbol: "NQ" });
        if (how === "released") await service.release({ ...held, symbols: ["NQ"] });
        if (how === "taken") {
          service.passSeconds(60);
          await service.validate({ ...b, symbol: "NQ" });
        }
        service.passSeconds(20);
        service.takeCalls();
        const beat = how === "never granted" ? { ...held, symbols: ["ES", "gc", "CL"] } : all;
        expect(await service.heartbeat(beat)).toMatchObject({
          status: 500,
          body: {
            status: "error",
            license_valid: true,
            session_conflict: expected.code !== "session_not_found",
            code: expected.code,
            symbols_held: ["ES", "CL"],
            symbols_lost: [{ symbol: lost, ...expected }],
            session_timeout_seconds: 60,
            held_for_seconds: 55,
          },
        });
        expect(service.takeCalls()).toEqual(["UpdateItem"]);
        service.passMs(59_999);
        expect((await service.validate({ ...b, symbol: "ES" })).body.code).toBe("session_conflict");
        expect((await service.heartbeat({ ...held, symbols: ["ES", "CL"] })).body.code).toBe(
          "recorded",
        );
      },
    );

    test("that has lost all holds nothing: the refusal of one symbol, and each of them", async () => {
      const { service, license_key, b, all } = await heldByA(["ES", "NQ"]);
      await service.endSession(license_key, "ES");
      service.passSeconds(60);
      await service.validate({ ...b, symbol: "NQ" });
      const { status, body } = await service.heartbeat(all);
      expect(status).toBe(500);
      expect(body).toMatchObject({
        code: "session_ended",
        symbols_lost: [
          { symbol: "ES", code: "session_ended" },
          { symbol: "NQ", code: "session_taken", active_device: "device-b..." },
        ],
      });
      expect(body).not.toHaveProperty("held_for_seconds");
      // What is left without members goes with the next claim.
      await service.validate({ ...b, symbol: "CL" });
      expect((await service.item(license_key))?.portfolios).toEqual({});
    });

    test("learns the end of the whole session that an operator ended by one of its symbols", async () => {
      const { service, license_key, b, x, all } = await heldByA(["ES", "NQ"]);
      await service.endSession(license_key, "ES", { wholeSession: true });
      expect((await service.heartbeat(all)).body).toMatchObject({
        code: "session_ended",
        symbols_lost: [{ code: "session_ended" }, { code: "session_ended" }],
      });
      expect((await service.validate({ ...x(1), symbols: ["NQ"] })).body.code).toBe(
        "session_ended",
      );
      expect((await service.validate({ ...b, symbol: "NQ" })).body.estimated_wait_seconds).toBe(60);
      expect((await service.validate({ ...x(2), symbols: ["ES", "NQ"] })).status).toBe(200);
    });

    test("names the end of the license before that of a symbol", async () => {
      const { service, license_key, all } = await heldByA(["ES", "NQ"]);
      await service.endSession(license_key, "NQ");
      await service.change(license_key, { status: "suspended" });
      expect(await service.heartbeat(all)).toMatchObject({
        status: 403,
        body: { code: "license_suspended" },
      });
    });

    test.for(["without symbols", "of another session", "of another device"] as const)(
      "%s finds no session, and a release nothing",
      async (how) => {
        const { service, license_key, a, b, x, held, all } = await heldByA(["ES", "NQ"]);
        const other = await service.validate({ ...x(2), symbols: ["CL"] });
        const before = await service.item(license_key);
        const wrong = {
          "without symbols": { ...held, symbol: "ES" },
          "of another session": { ...all, session_id: other.body.session_id },
          "of another device": { ...all, ...b },
        }[how];
        const { body } = await service.heartbeat(wrong);
        expect(body.code).toBe(
          {
            "without symbols": "session_not_found",
            "of another session": "session_replaced",
            "of another device": "session_taken",
          }[how],
        );
        expect((await service.release(wrong)).body.code).toBe("not_held");
        if (how !== "of another session") expect(await service.item(license_key)).toEqual(before);
        expect((await service.heartbeat({ ...a, ...all })).status).toBe(200);
      },
    );
  });

  describe("a release of several symbols", () => {
    test("of some frees these at once and keeps the rest; of all leaves nothing behind", async () => {
      const { service, license_key, b, held, all } = await heldByA(["ES", "NQ", "CL"]);
      expect((await service.release({ ...held, symbols: ["nq"] })).body.code).toBe("released");
      expect((await service.validate({ ...b, symbol: "NQ" })).body.code).toBe("granted");
      expect((await service.heartbeat({ ...held, symbols: ["ES", "CL"] })).status).toBe(200);
      // One that is lost is left alone.
      expect((await service.release(all)).body.code).toBe("released");
      expect(await service.item(license_key)).toMatchObject({
        sessions: { NQ: {} },
        portfolios: {},
      });
      expect((await service.release(all)).body.code).toBe("not_held");
    });

    test("by run and number ends what that opening was granted, confirmed or not", async () => {
      const { service, license_key, a, all } = await heldByA(["ES", "NQ"]);
      await service.heartbeat(all);
      const byOpening = { ...a, run_id: runX, symbols: ["ES", "NQ"] };
      expect((await service.release({ ...byOpening, claim_number: 2 })).body.code).toBe("not_held");
      service.takeCalls();
      expect((await service.release({ ...byOpening, claim_number: 1 })).body.code).toBe("released");
      expect(service.takeCalls()).toEqual(["GetItem", "UpdateItem"]);
      expect(await service.item(license_key)).toMatchObject({ sessions: {}, portfolios: {} });
    });

    test("that are contested leaves one vacancy for all, which is its device's to claim", async () => {
      const { service, license_key, a, b, x, y } = await heldByA(["ES", "NQ"]);
      service.passSeconds(20);
      const second = await service.validate({ ...x(2), symbols: ["ES", "NQ"] });
      const { session_id } = second.body;
      const both = { ...a, session_id, symbols: ["ES", "NQ"] };
      expect((await service.release(both)).body.message).toContain("40 s");
      const item = await service.item(license_key);
      expect(Object.values(item?.portfolios ?? {})).toMatchObject([
        {
          vacated_by: deviceA,
          vacated_session_id: session_id,
          lapses_at: service.nowMs() + 40_000,
        },
      ]);
      expect((await service.validate({ ...x(2), symbols: ["NQ"] })).body.code).toBe("claim_late");
      expect((await service.validate({ ...b, symbol: "NQ" })).body.estimated_wait_seconds).toBe(40);
      expect((await service.validate({ ...y(1), symbols: ["ES", "NQ"] })).status).toBe(200);
    });
  });

  test("with MULTI_SYMBOL_SESSIONS=false all share one session and one seat, and none is lost alone", async () => {
    const options = { multiSymbolSessions: false };
    const { service, license_key, b, ofB, all, granted } = await heldByA(["es", "NQ"], options, 1);
    expect(granted).toMatchObject({ symbols: ["es", "NQ"], active_symbols: ["*"] });
    expect(Object.keys((await service.item(license_key))?.sessions ?? {})).toEqual(["*"]);
    const { body } = await service.validate({ ...ofB(1), symbols: ["CL", "GC"] });
    expect(body.code).toBe("session_conflict");
    expect((await service.heartbeat(all)).body).toMatchObject({
      code: "recorded",
      symbols: ["es", "NQ"],
    });
    const rival = { ...ofB(1), symbols: ["cl", "GC"], ask_holder: true };
    const { blocked } = (await service.validate(rival)).body as { blocked: { symbol: string }[] };
    expect(blocked.map(({ symbol }) => symbol)).toEqual(["cl", "GC"]);
    expect((await service.heartbeat(all)).body.release_asked_symbols).toEqual(["es", "NQ"]);
    // The session is that of the others as well.
    expect((await service.release({ ...all, symbols: ["es"] })).body.code).toBe("left_to_lapse");
    expect((await service.heartbeat(all)).body.code).toBe("recorded");
    expect((await service.release(all)).body.code).toBe("released");
    expect((await service.validate({ ...b, symbol: "NQ" })).body.code).toBe("granted");
  });

  test("a legacy bot on one of the symbols is refused as by any named session", async () => {
    const { service, a, b } = await heldByA(["ES", "NQ"], { legacyBots: true });
    for (const bot of [a, b]) {
      expect(await service.heartbeat({ ...bot, symbol: "NQ" })).toMatchObject({ status: 403 });
      expect((await service.release({ ...bot, symbol: "NQ" })).body.code).toBe("not_held");
      expect((await service.validate({ ...bot, symbol: "NQ" })).body.code).toBe("session_conflict");
    }
  });
}
