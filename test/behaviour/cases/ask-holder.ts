import { describe, expect, test } from "vitest";
import type { Engine } from "../../support/engines.ts";
import { heldByA, heldUnnamedByA, twoDevices } from "../../support/license-on-two-devices.ts";

/** A refused claim may leave a note with the holder, who releases, keeps, or does not answer. */
export function describeAskHolder(engine: () => Engine): void {
  describe("a refused claim that asks the holder", () => {
    const asked = { holder_asked: true, holder_told: false, holder_keeps: false };
    const cannot = { holder_asked: false, holder_told: false, holder_keeps: false };

    test("leaves a note by one more write, which each heartbeat of the holder answers with", async () => {
      const { service, ofB, held } = await heldByA(engine());
      const ask = { ...ofB(1), ask_holder: true };
      service.passSeconds(10);
      expect((await service.validate(ofB(1))).body).not.toHaveProperty("holder_asked");
      service.takeCalls();
      expect((await service.validate(ask)).body).toMatchObject(asked);
      expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
      // What others ask meanwhile writes nothing: who asked first stays.
      service.passSeconds(5);
      const third = { ...ask, device_fingerprint: "a-third-device-01" };
      expect((await service.validate(third)).body).toMatchObject(asked);
      expect(service.takeCalls()).toEqual(["UpdateItem"]);
      for (const seconds of [5, 25]) {
        service.passSeconds(seconds === 5 ? 0 : 20);
        expect((await service.heartbeat(held)).body).toMatchObject({
          code: "recorded",
          release_asked_by: "device-b...",
          release_asked_seconds_ago: seconds,
        });
      }
      expect((await service.validate(ask)).body).toMatchObject({ ...asked, holder_told: true });
      await service.release(held);
      expect((await service.validate(ask)).body.code).toBe("granted");
    });

    test("a hundred times, by attempts and by restarts, writes once and keeps the first note", async () => {
      const { service, license_key, ofB, held } = await heldByA(engine());
      const before = await service.item(license_key);
      for (let ask = 0; ask < 100; ask++) {
        const run_id = `run-of-a-restart-${Math.floor(ask / 10)}`;
        await service.validate({ ...ofB(1 + (ask % 5)), run_id, ask_holder: true });
        // Each write but a heartbeat raises it.
        const { fencing_token } = (await service.item(license_key)) ?? {};
        expect(fencing_token).toBe(Number(before?.fencing_token) + 1);
        service.passMs(500);
      }
      expect((await service.heartbeat(held)).body).toMatchObject({ release_asked_seconds_ago: 50 });
    });

    test("asks 100 holders of as many sessions in one write", async () => {
      const { service, x, ofB } = await twoDevices(engine(), {}, { maxSessions: 100 });
      const symbols = Array.from({ length: 100 }, (_, index) => `S${index}`);
      for (const [index, symbol] of symbols.entries()) {
        await service.validate({ ...x(index + 1), symbol });
      }
      service.takeCalls();
      const refused = await service.validate({ ...ofB(1), symbols, ask_holder: true });
      expect(refused).toMatchObject({ status: 403, body: asked });
      expect(service.takeCalls()).toHaveLength(2);
    });

    test("is forgotten when the note has lasted a lease, and may ask again", async () => {
      const { service, ofB, held } = await heldByA(engine());
      const ask = { ...ofB(1), ask_holder: true };
      await service.validate(ask);
      service.passMs(59_999);
      expect((await service.heartbeat(held)).body).toHaveProperty("release_asked_by");
      service.passMs(1);
      expect((await service.heartbeat(held)).body).not.toHaveProperty("release_asked_by");
      service.takeCalls();
      expect((await service.validate(ask)).body).toMatchObject(asked);
      expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
    });

    test("is answered by keep: until that heartbeat's lease is over, refusals say so and ask nobody", async () => {
      const { service, ofB, held } = await heldByA(engine());
      const ask = { ...ofB(1), ask_holder: true };
      await service.validate(ask);
      expect((await service.heartbeat({ ...held, keep: true })).body).not.toHaveProperty(
        "release_asked_by",
      );
      for (const milliseconds of [20_000, 39_999]) {
        service.passMs(milliseconds);
        await service.heartbeat(held);
        service.takeCalls();
        expect((await service.validate(ask)).body).toMatchObject({ ...cannot, holder_keeps: true });
        expect(service.takeCalls()).toEqual(["UpdateItem"]);
      }
      service.passMs(1);
      expect((await service.validate(ask)).body).toMatchObject(asked);
    });

    test("is told that the holder can't be asked where that has no name, or is over", async () => {
      const unnamed = await heldUnnamedByA(engine());
      const ask = { ...unnamed.ofB(1), ask_holder: true };
      expect((await unnamed.service.validate(ask)).body).toMatchObject(cannot);
      await unnamed.service.endSession(unnamed.license_key);
      expect((await unnamed.service.validate(ask)).body).toMatchObject(cannot);
    });

    test.for(["check_only", "an ended license", "no seat"] as const)(
      "leaves no note with %s",
      async (how) => {
        const { service, license_key, ofB } = await heldByA(engine(), {}, { maxSessions: 1 });
        if (how === "an ended license") await service.change(license_key, { status: "suspended" });
        const before = await service.item(license_key);
        const ask = {
          ...ofB(1),
          ask_holder: true,
          ...(how === "check_only" && { check_only: true }),
          ...(how === "no seat" && { symbol: "ES" }),
        };
        expect((await service.validate(ask)).body).not.toHaveProperty("holder_asked");
        expect(await service.item(license_key)).toEqual(before);
      },
    );

    test("for several symbols asks every named session in the way in one write, each for its own", async () => {
      const { service, a, b, x, ofB } = await twoDevices(engine());
      const { session_id } = (await service.validate({ ...x(1), symbols: ["es", "NQ", "CL"] }))
        .body;
      await service.validate({ ...a, symbol: "GC" });
      service.takeCalls();
      const ask = { ...ofB(1), ask_holder: true, symbols: ["Es", "GC", "nq", "SI"] };
      expect((await service.validate(ask)).body.blocked).toMatchObject([
        { symbol: "Es", ...asked },
        { symbol: "GC", ...cannot },
        { symbol: "nq", ...asked },
      ]);
      expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
      const beat = { ...a, session_id, symbols: ["es", "NQ", "CL"] };
      expect((await service.heartbeat(beat)).body).toMatchObject({
        release_asked_by: "device-b...",
        release_asked_symbols: ["es", "NQ"],
      });
      await service.release({ ...beat, symbols: ["es"] });
      expect((await service.validate({ ...b, symbol: "ES" })).body.code).toBe("granted");
    });
  });
}
