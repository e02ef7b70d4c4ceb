import { describe, expect, test } from "vitest";
import type { Engine } from "../../support/engines.ts";
import {
  deviceA,
  heldByA,
  heldUnnamedByA,
  runX,
  twoDevices,
} from "../../support/license-on-two-devices.ts";

/** Who may claim what, and what an attempt is that is repeated, late, or of another run. */
export function describeClaims(engine: () => Engine): void {
  describe("3a. an opening that repeats itself", () => {
    test("begins its lease anew: same session, same token, by two writes", async () => {
      const { service, license_key, b, x } = await twoDevices(engine());
      const first = await service.validate(x(1));
      service.passSeconds(40);
      service.takeCalls();
      expect(await service.validate(x(1))).toEqual(first);
      expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
      expect((await service.session(license_key))?.started_at).toBe(service.nowMs() - 40_000);
      service.passMs(59_999);
      expect((await service.validate(b)).body.code).toBe("session_conflict");
      service.passMs(1);
      expect((await service.validate(b)).body.code).toBe("granted");
    });

    test("has the token of its grant, not one that the license has granted since", async () => {
      const { service, b, x } = await twoDevices(engine());
      const first = await service.validate(x(1));
      service.passSeconds(1);
      const other = await service.validate({ ...b, symbol: "NQ" });
      expect(other.body.fencing_token).toBeGreaterThan(Number(first.body.fencing_token));
      expect((await service.validate(x(1))).body.fencing_token).toBe(first.body.fencing_token);
    });

    test("is only answered if a later time is stored", async () => {
      const { service, license_key, x, held } = await heldByA(engine());
      const before = await service.item(license_key);
      service.passMs(-1);
      expect((await service.validate(x(1))).body).toMatchObject({
        session_id: held.session_id,
        held_for_seconds: 55,
      });
      expect(await service.item(license_key)).toEqual(before);
    });

    test("keeps the length of its lease, whatever is deployed since", async () => {
      const { service, license_key, x } = await heldByA(engine(), { sessionTimeoutSeconds: 30 });
      service.deploy({ sessionTimeoutSeconds: 90 });
      service.passSeconds(5);
      expect((await service.validate(x(1))).body).toMatchObject({
        session_timeout_seconds: 30,
        heartbeat_interval_seconds: 10,
        held_for_seconds: 25,
      });
      expect((await service.session(license_key))?.lapses_at).toBe(service.nowMs() + 30_000);
    });

    test("is granted with only_if_free, too", async () => {
      const { service, x } = await heldByA(engine());
      expect((await service.validate({ ...x(1), only_if_free: true })).status).toBe(200);
    });

    test("needs no seat that was taken away", async () => {
      const { service, license_key, x } = await heldByA(engine());
      await service.change(license_key, { max_sessions: 0 });
      expect((await service.validate(x(1))).status).toBe(200);
    });

    test("is refused once the license is over", async () => {
      const { service, license_key, x } = await heldByA(engine());
      await service.change(license_key, { status: "suspended" });
      expect((await service.validate(x(1))).body.code).toBe("license_suspended");
    });

    test("is one to its last millisecond, and a new grant when its lease is over", async () => {
      const { service, x, held } = await heldByA(engine());
      service.passMs(59_999);
      const last = (await service.validate(x(1))).body;
      expect(last.session_id).toBe(held.session_id);
      service.passSeconds(60);
      const { body } = await service.validate(x(1));
      expect(body.session_id).not.toBe(held.session_id);
      expect(body.fencing_token).toBe(service.nowMs());
    });

    test("by the run and number of another device is no repeat", async () => {
      const { service, license_key, b } = await heldByA(engine());
      const before = await service.item(license_key);
      const thief = { ...b, run_id: runX, claim_number: 1 };
      expect((await service.validate(thief)).body.code).toBe("session_conflict");
      expect(await service.item(license_key)).toEqual(before);
    });
  });

  describe("3b. an attempt of an opening that is over", () => {
    const late = (estimated_wait_seconds: number, code = "claim_late") => ({
      status: 409,
      body: { license_valid: true, session_conflict: true, code, estimated_wait_seconds },
    });

    test.for([true, false])(
      "only_if_free %s, it is claim_late and changes nothing",
      async (only_if_free) => {
        const { service, license_key, x, held } = await heldByA(engine());
        service.passMs(1);
        await service.heartbeat(held);
        const before = await service.item(license_key);
        service.passMs(1_000);
        expect(await service.validate({ ...x(1), only_if_free })).toMatchObject(late(59));
        expect(await service.item(license_key)).toEqual(before);
      },
    );

    test("a run that was stored and starts again at 1 gets no session of its first life", async () => {
      const { service, x, held } = await heldByA(engine());
      await service.heartbeat(held);
      await service.validate(x(2));
      expect((await service.validate(x(1))).body.code).toBe("claim_late");
    });

    test.for(
      (["confirmed", "replaced by another run", "left with a vacancy"] as const).flatMap((how) => [
        [how, 1, "claim_late"] as const,
        [how, 2, "claim_late"] as const,
        [how, 3, "granted"] as const,
      ]),
    )("once number 2 is %s, number %i is %s", async ([how, number, code]) => {
      const { service, a, x, y } = await heldByA(engine());
      service.passSeconds(20);
      const { session_id } = (await service.validate(x(2))).body;
      if (how === "confirmed") await service.heartbeat({ ...a, session_id });
      if (how === "replaced by another run") await service.validate(y(1));
      if (how === "left with a vacancy") await service.release({ ...a, session_id });
      expect((await service.validate(x(number))).body.code).toBe(code);
    });

    test.for(["lapsed", "released into a vacancy"] as const)(
      "also where what it replaced was %s",
      async (before) => {
        const { service, a, x, y } = await twoDevices(engine());
        await service.validate(x(1));
        if (before === "lapsed") service.passSeconds(60);
        else {
          service.passSeconds(1);
          const { session_id } = (await service.validate(x(2))).body;
          await service.release({ ...a, session_id });
        }
        await service.validate(y(1));
        expect((await service.validate(x(1))).body.code).toBe("claim_late");
      },
    );

    test("over the vacancy of a later number, it is granted once that is over", async () => {
      const { service, a, x } = await heldByA(engine());
      service.passSeconds(20);
      const { session_id } = (await service.validate(x(2))).body;
      await service.release({ ...a, session_id });
      service.passSeconds(40);
      expect((await service.validate(x(1))).body.code).toBe("granted");
    });

    test.for([
      { number: 1, now: false },
      { number: 2, now: false },
      { number: 1, now: true },
      { number: 2, now: true },
    ])(
      "of a session that an operator ended, it is session_ended for a lease (%o)",
      async ({ number, now }) => {
        const { service, license_key, a, x } = await twoDevices(engine());
        await service.validate(x(2));
        service.passSeconds(20);
        await service.endSession(license_key, "*", { now });
        expect(await service.validate(x(number))).toMatchObject(
          late(now ? 0 : 40, "session_ended"),
        );
        expect((await service.validate({ ...a, check_only: true })).body.code).toBe("available");
        expect((await service.validate({ ...x(3), check_only: true })).body.code).toBe("available");
        service.passMs(59_999);
        expect((await service.validate(x(number))).body.code).toBe("session_ended");
        service.passMs(1);
        expect((await service.validate(x(number))).body.code).toBe("granted");
      },
    );

    test("two openings of one process that cross leave the later one", async () => {
      const { service, a, x } = await twoDevices(engine());
      const second = await service.validate(x(2));
      expect((await service.validate(x(1))).body.code).toBe("claim_late");
      const held = { ...a, session_id: second.body.session_id };
      expect((await service.heartbeat(held)).status).toBe(200);
    });

    // What remains, for one lease: a late attempt of what left no trace holds for nobody.
    test("after a later one was released, it is granted with an identity of its own", async () => {
      const { service, a, x } = await twoDevices(engine());
      const { session_id } = (await service.validate(x(2))).body;
      const held = { ...a, session_id };
      await service.release(held);
      const { body } = await service.validate(x(1));
      expect(body.code).toBe("granted");
      expect(body.session_id).not.toBe(session_id);
      expect((await service.heartbeat(held)).body.code).toBe("session_replaced");
      service.passSeconds(60);
      expect((await service.validate({ ...a, only_if_free: true })).body.code).toBe("granted");
    });

    test("after another device took the symbol, it is refused, and once that left its token is greater than that device's", async () => {
      const { service, a, x, b, ofB } = await twoDevices(engine());
      const held = { ...a, session_id: (await service.validate(x(2))).body.session_id };
      service.passSeconds(60);
      const rival = (await service.validate(ofB(1))).body;
      expect((await service.validate(x(1))).body.code).toBe("session_conflict");
      await service.release({ ...b, session_id: rival.session_id });
      const { body } = await service.validate(x(1));
      expect(Number(body.fencing_token)).toBeGreaterThan(Number(rival.fencing_token));
      expect((await service.heartbeat(held)).body.code).toBe("session_replaced");
    });
  });

  describe("3c. only_if_free is refused over what this device holds or may believe it holds", () => {
    const mine = { code: "session_conflict", held_by_this_device: true };

    test("its live session, until the instant it lapses", async () => {
      const { service, y } = await heldByA(engine());
      const second = { ...y(1), only_if_free: true };
      service.passMs(59_999);
      expect((await service.validate(second)).body).toMatchObject(mine);
      service.passMs(1);
      expect((await service.validate(second)).body.code).toBe("granted");
    });

    test("its session that lapsed but is contested", async () => {
      const { service, license_key, x, y } = await heldByA(engine());
      await service.change(license_key, { session_timeout_seconds: 30 });
      await service.validate(x(2));
      service.passSeconds(59);
      expect((await service.validate({ ...y(1), only_if_free: true })).body).toMatchObject(mine);
      service.passSeconds(1);
      expect((await service.validate({ ...y(1), only_if_free: true })).status).toBe(200);
    });

    test("what it released while an earlier process may believe, or what an operator ended", async () => {
      const { service, license_key, a, y } = await heldByA(engine());
      await service.endSession(license_key);
      expect((await service.validate({ ...y(1), only_if_free: true })).body).toMatchObject(mine);
      expect((await service.validate({ ...a, only_if_free: false })).status).toBe(200);
    });
  });

  describe("3d. a claim without run is refused over a live session that is named", () => {
    const mine = { code: "session_conflict", held_by_this_device: true };

    test("by its claim, until it lapses", async () => {
      const { service, a } = await heldByA(engine());
      service.passMs(59_999);
      expect((await service.validate(a)).body).toMatchObject(mine);
      service.passMs(1);
      expect((await service.validate(a)).body.code).toBe("granted");
    });

    test("by a heartbeat, and replaces one that is not", async () => {
      const { service, a, held } = await heldUnnamedByA(engine());
      const again = await service.validate(a);
      expect(again.body.code).toBe("granted");
      expect(again.body.session_id).not.toBe(held.session_id);
      await service.heartbeat({ ...a, session_id: again.body.session_id });
      expect((await service.validate(a)).body).toMatchObject(mine);
    });
  });

  describe("3e. every other claim is a new grant", () => {
    test("over the live session of its own device: new session_id, next token, contested until that lapses", async () => {
      const { service, license_key, y, held } = await heldByA(engine());
      service.passSeconds(20);
      const { body } = await service.validate(y(7));
      expect(body).toMatchObject({ code: "granted", fencing_token: service.nowMs() });
      expect(await service.session(license_key)).toEqual({
        device_fingerprint: deviceA,
        session_id: body.session_id,
        fencing_token: service.nowMs(),
        run_id: y(7).run_id,
        claim_number: 7,
        started_at: service.nowMs(),
        last_heartbeat: service.nowMs(),
        lease_ms: 60_000,
        lapses_at: service.nowMs() + 60_000,
        contested_until: service.nowMs() + 40_000,
        replaced_run: runX,
        replaced_number: 1,
      });
      expect((await service.heartbeat(held)).body.code).toBe("session_replaced");
    });

    test("contested for as long as the longest of those it replaces may believe", async () => {
      const { service, license_key, x } = await heldByA(engine());
      service.deploy({ sessionTimeoutSeconds: 30 });
      await service.validate(x(2));
      service.passSeconds(1);
      await service.validate(x(3));
      expect((await service.session(license_key))?.contested_until).toBe(service.nowMs() + 59_000);
    });

    test("over what is free, even if it was its own: uncontested, and the run is kept", async () => {
      const { service, license_key, y } = await heldByA(engine());
      service.passSeconds(60);
      await service.validate(y(1));
      const session = await service.session(license_key);
      expect(session).toMatchObject({ replaced_run: runX, replaced_number: 1 });
      expect(session).not.toHaveProperty("contested_until");
    });

    test.for([
      ["behind", -1, 0],
      ["at", 0, 1],
      ["ahead of", 3_600_000, 3_600_001],
    ] as const)(
      "a token that is %s the time is followed by a greater one",
      async ([, aheadMs, thenMs]) => {
        const { service, license_key, x } = await twoDevices(engine());
        await service.change(license_key, { fencing_token: service.nowMs() + aheadMs });
        service.takeCalls();
        expect((await service.validate(x(1))).body.fencing_token).toBe(service.nowMs() + thenMs);
        expect(service.takeCalls()).toHaveLength(aheadMs < 0 ? 1 : 2);
      },
    );

    test("tokens of a device that claims, another that claims, and the first again only rise", async () => {
      const { service, a, b } = await twoDevices(engine());
      const tokens: number[] = [];
      for (const device of [a, b, a, a]) {
        const { body } = await service.validate(device);
        tokens.push(Number(body.fencing_token));
        await service.release({ ...device, session_id: body.session_id });
      }
      expect(tokens).toEqual([0, 2, 4, 6].map((raised) => service.nowMs() + raised));
    });
  });

  describe("a lease keeps its length", () => {
    test.for([
      [60, 30],
      [30, 90],
    ] as const)(
      "a timeout changed from %i s to %i s concerns later claims only",
      async ([first, then]) => {
        const { service, b, held } = await heldByA(engine(), { sessionTimeoutSeconds: first });
        service.deploy({ sessionTimeoutSeconds: then });
        service.passSeconds(10);
        service.takeCalls();
        expect((await service.heartbeat(held)).body.session_timeout_seconds).toBe(first);
        expect(service.takeCalls()).toEqual(["UpdateItem"]);
        service.passMs(first * 1_000 - 1);
        expect((await service.validate(b)).body).toMatchObject({
          code: "session_conflict",
          estimated_wait_seconds: 1,
        });
        service.passMs(1);
        expect((await service.validate(b)).body.session_timeout_seconds).toBe(then);
      },
    );

    test("a license's own timeout is that of its claims, by two writes, and of its checks", async () => {
      const { service, license_key, a, b, x } = await twoDevices(engine());
      await service.change(license_key, { session_timeout_seconds: 300 });
      service.takeCalls();
      const lease = { session_timeout_seconds: 300, heartbeat_interval_seconds: 100 };
      const { body } = await service.validate(x(1));
      expect(body).toMatchObject({ ...lease, held_for_seconds: 291 });
      expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
      const beat = await service.heartbeat({ ...a, session_id: body.session_id });
      expect(beat.body).toMatchObject({ session_timeout_seconds: 300, held_for_seconds: 291 });
      expect(service.takeCalls()).toEqual(["UpdateItem"]);
      service.passSeconds(300);
      expect((await service.validate({ ...b, check_only: true })).body).toMatchObject(lease);
    });
  });
}
