import { describe, expect, test } from "vitest";
import {
  reportSchema,
  type Session,
  type Stored,
  type StoredReport,
  type Vacancy,
} from "../../../lambdas/rules/entry.ts";
import type { Engine } from "../../support/engines.ts";
import {
  deviceA,
  heldByA,
  heldUnnamedByA,
  runX,
  twoDevices,
} from "../../support/license-on-two-devices.ts";
import type { StoredLicense } from "../../support/test-service.ts";

const sevenDaysMs = 7 * 86_400_000;

/** How a session is kept, replaced by its own device, released, and ended by an operator. */
export function describeSessions(engine: () => Engine): void {
  test("a heartbeat without name in the very millisecond of a claim keeps its right, whoever releases by name", async () => {
    const { service, a, b } = await twoDevices(engine());
    await service.validate(a);
    service.passSeconds(61);
    const { session_id } = (await service.validate(a)).body;
    expect((await service.heartbeat(a)).status).toBe(200);
    service.passSeconds(1);
    await service.release({ ...a, session_id });
    expect(await service.validate(b)).toMatchObject({
      status: 403,
      body: { estimated_wait_seconds: 59 },
    });
  });

  test.each(["x..1", "x.abc", "x.a b.1", "x.abc.0001", "..", "x.abc.99"])(
    "a session_id such as %s, which nobody was granted, is no failure",
    async (session_id) => {
      const { service, a } = await twoDevices(engine());
      const named = { ...a, session_id, symbols: ["ES"] };
      expect((await service.heartbeat(named)).body.code).toBe("session_not_found");
      expect((await service.release(named)).body.code).toBe("not_held");
    },
  );

  test.for(["symbol", "license", "device"] as const)(
    "a session_id of another %s neither keeps nor ends anything",
    async (another) => {
      const { service, license_key, a, b, x, held } = await heldByA(engine());
      const elsewhere = {
        symbol: { ...x(1), symbol: "ES" },
        license: { ...x(1), license_key: await service.license() },
        device: { ...b, license_key: await service.license() },
      }[another];
      const { body } = await service.validate(elsewhere);
      const wrong = {
        symbol: { ...a, session_id: body.session_id },
        license: { ...a, session_id: body.session_id },
        device: { ...b, session_id: held.session_id },
      }[another];
      const items = () => Promise.all([license_key, elsewhere.license_key].map(service.item));
      const before = await items();
      service.passSeconds(1);
      expect((await service.heartbeat(wrong)).body.code).toBe(
        another === "device" ? "session_taken" : "session_replaced",
      );
      expect((await service.release(wrong)).body.code).toBe("not_held");
      expect(await items()).toEqual(before);
    },
  );

  test("the timer never runs backwards: a heartbeat whose time is before the stored one is heartbeat_late and changes nothing", async () => {
    const { service, license_key, held } = await heldByA(engine());
    service.passSeconds(40);
    await service.heartbeat(held);
    const before = await service.item(license_key);
    service.passMs(-1);
    expect(await service.heartbeat(held)).toMatchObject({
      status: 500,
      body: { code: "heartbeat_late", session_conflict: false },
    });
    expect(await service.item(license_key)).toEqual(before);
    service.passMs(1);
    expect((await service.heartbeat(held)).status).toBe(200);
  });

  describe("a session is named by a claim with run, or by a heartbeat with its session_id", () => {
    test("then no heartbeat without session_id renews it, and the answer says what to send", async () => {
      const { service, license_key, a, held } = await heldByA(engine());
      const before = await service.item(license_key);
      expect((await service.heartbeat(a)).body).toMatchObject({
        code: "session_replaced",
        message: expect.stringContaining("session_id"),
      });
      expect(await service.item(license_key)).toEqual(before);
      expect((await service.heartbeat(held)).status).toBe(200);
    });

    test("then no release without session_id ends it, and the answer says what to send", async () => {
      const { service, license_key, a, held } = await heldUnnamedByA(engine());
      await service.heartbeat(held);
      const before = await service.item(license_key);
      expect((await service.release(a)).body).toMatchObject({
        code: "not_held",
        message: expect.stringContaining("session_id"),
      });
      expect(await service.item(license_key)).toEqual(before);
    });

    test("naming one that another process may have renewed contests it for as long as that may believe", async () => {
      const { service, license_key, a, b, held } = await heldUnnamedByA(engine());
      service.passSeconds(20);
      await service.heartbeat(a);
      const renewed = await service.session(license_key);
      service.passSeconds(10);
      service.takeCalls();
      expect((await service.heartbeat(held)).status).toBe(200);
      expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
      expect(await service.session(license_key)).toMatchObject({
        confirmed: true,
        contested_until: renewed?.lapses_at,
      });
      expect((await service.release(held)).body.message).toContain("50 s");
      service.passMs(49_999);
      expect((await service.validate(b)).body.code).toBe("session_conflict");
      service.passMs(1);
      expect((await service.validate(b)).body.code).toBe("granted");
    });

    test("naming one that nobody has renewed contests nothing", async () => {
      const { service, license_key, held } = await heldUnnamedByA(engine());
      service.passSeconds(20);
      await service.heartbeat(held);
      expect(await service.session(license_key)).not.toHaveProperty("contested_until");
    });

    test.for([
      [false, 0],
      [true, 40],
    ] as const)(
      "a release by session_id of one that is not, renewed by nobody knows whom (%s), waits %i s",
      async ([renewed, waitSeconds]) => {
        const { service, a, b, held } = await heldUnnamedByA(engine());
        service.passSeconds(20);
        if (renewed) await service.heartbeat(a);
        service.passSeconds(20);
        expect((await service.release(held)).body.code).toBe("released");
        expect((await service.validate(b)).body.estimated_wait_seconds ?? 0).toBe(waitSeconds);
      },
    );
  });

  describe("a release", () => {
    test.for(["unconfirmed", "confirmed"])(
      "by run and number ends what that opening was granted, unless it names another session, %s",
      async (state) => {
        const { service, a, b, held } = await heldByA(engine());
        if (state === "confirmed") await service.heartbeat(held);
        const opening = { ...a, run_id: runX, claim_number: 1 };
        const another = { session_id: "another" };
        for (const other of [{ claim_number: 2 }, { run_id: "another-run-01234" }, b, another]) {
          expect((await service.release({ ...opening, ...other })).body.code).toBe("not_held");
        }
        service.takeCalls();
        expect((await service.release(opening)).body.code).toBe("released");
        expect(service.takeCalls()).toEqual(["UpdateItem"]);
        expect((await service.validate(b)).body.code).toBe("granted");
      },
    );

    test("that names nothing leaves an unnamed session to lapse", async () => {
      const { service, license_key, a, b } = await heldUnnamedByA(engine());
      const before = await service.item(license_key);
      service.passSeconds(20);
      expect((await service.release(a)).body).toMatchObject({
        code: "left_to_lapse",
        message: expect.stringContaining("40 s"),
      });
      expect(await service.item(license_key)).toEqual(before);
      service.passSeconds(40);
      expect((await service.validate(b)).body.code).toBe("granted");
    });
  });

  describe("a second process of the same device", () => {
    test("that releases does not free the key while the first may believe", async () => {
      const { service, license_key, a, b, x, held } = await heldByA(engine());
      service.passSeconds(20);
      const { session_id } = (await service.validate(x(2))).body;
      const released = await service.release({ ...a, session_id });
      expect(released.body).toMatchObject({
        code: "released",
        message: expect.stringContaining("40 s"),
      });
      expect((await service.item(license_key))?.sessions["*"]).toEqual({
        vacated_by: deviceA,
        vacated_session_id: session_id,
        run_id: runX,
        claim_number: 2,
        lease_ms: 60_000,
        lapses_at: service.nowMs() + 40_000,
      });
      expect((await service.heartbeat(held)).body.code).toBe("session_not_found");
      service.passMs(39_999);
      expect((await service.validate(b)).body).toMatchObject({
        code: "session_conflict",
        active_device: "device-a...",
        estimated_wait_seconds: 1,
      });
      service.passMs(1);
      expect((await service.validate(b)).status).toBe(200);
    });

    test("that lapses under a shorter timeout does not free the key either", async () => {
      const { service, b, x } = await heldByA(engine());
      service.deploy({ sessionTimeoutSeconds: 30 });
      await service.validate(x(2));
      service.passMs(59_999);
      expect((await service.validate(b)).body.code).toBe("session_conflict");
      service.passMs(1);
      expect((await service.validate(b)).status).toBe(200);
    });

    test("may claim over its own vacancy at once, and is contested for as long as that", async () => {
      const { service, license_key, a, x, y } = await heldByA(engine());
      const { session_id } = (await service.validate(x(2))).body;
      await service.release({ ...a, session_id });
      const again = (await service.validate(y(1))).body;
      expect((await service.session(license_key))?.contested_until).toBe(service.nowMs() + 60_000);
      // Released at once, while the process before still believes.
      await service.release({ ...a, session_id: again.session_id });
      expect((await service.item(license_key))?.sessions["*"]).toMatchObject({
        vacated_session_id: again.session_id,
        lapses_at: service.nowMs() + 60_000,
      });
    });

    test("after a contest that is over, a release frees the key in one write", async () => {
      const { service, a, b, x } = await heldByA(engine());
      const { session_id } = (await service.validate(x(2))).body;
      service.passSeconds(60);
      await service.heartbeat({ ...a, session_id });
      service.takeCalls();
      expect((await service.release({ ...a, session_id })).body.message).toBe(
        "The session has ended.",
      );
      expect(service.takeCalls()).toEqual(["UpdateItem"]);
      expect((await service.validate(b)).status).toBe(200);
    });
  });

  describe("a session that an operator ended", () => {
    test("leaves a vacancy: its holder hears of it, and others wait for the end of the lease", async () => {
      const { service, license_key, b, held } = await heldByA(engine());
      service.passSeconds(5);
      await service.endSession(license_key);
      expect((await service.item(license_key))?.sessions["*"]).toEqual({
        vacated_by: deviceA,
        vacated_session_id: held.session_id,
        run_id: runX,
        claim_number: 1,
        lease_ms: 60_000,
        lapses_at: service.nowMs() + 55_000,
        ended_at: service.nowMs(),
      });
      expect((await service.heartbeat(held)).body.code).toBe("session_ended");
      expect((await service.heartbeat(b)).body.code).toBe("session_not_found");
      service.passMs(54_999);
      expect((await service.validate(b)).body.code).toBe("session_conflict");
      service.passMs(1);
      expect((await service.validate(b)).status).toBe(200);
      expect((await service.heartbeat(held)).body.code).toBe("session_taken");
    });

    test("and freed at once is free at once, whoever may still believe", async () => {
      const { service, license_key, b, x, held } = await heldByA(engine());
      await service.validate(x(2));
      await service.endSession(license_key, "*", { now: true });
      expect((await service.item(license_key))?.sessions["*"]?.lapses_at).toBe(0);
      expect((await service.heartbeat(held)).body.code).toBe("session_ended");
      expect((await service.validate(b)).status).toBe(200);
    });

    test("and contested beyond its lease is kept for its device until nobody can believe", async () => {
      const { service, license_key, b, x } = await heldByA(engine());
      service.deploy({ sessionTimeoutSeconds: 30 });
      await service.validate(x(2));
      await service.endSession(license_key);
      expect((await service.validate(b)).body.estimated_wait_seconds).toBe(60);
    });

    test("hears of it when it had lapsed before, too", async () => {
      const { service, license_key, held } = await heldByA(engine());
      service.passSeconds(3_600);
      await service.endSession(license_key);
      expect((await service.heartbeat(held)).body.code).toBe("session_ended");
    });

    test("may be claimed by its device again, and is then contested by what it was", async () => {
      const { service, license_key, a } = await heldByA(engine());
      await service.endSession(license_key);
      expect((await service.validate(a)).body.code).toBe("granted");
      expect((await service.session(license_key))?.contested_until).toBe(service.nowMs() + 60_000);
    });

    test("has nothing left to release", async () => {
      const { service, license_key, a, held } = await heldByA(engine());
      await service.endSession(license_key);
      const before = await service.item(license_key);
      expect((await service.release(a)).body.code).toBe("not_held");
      expect((await service.release(held)).body.code).toBe("not_held");
      expect(await service.item(license_key)).toEqual(before);
    });
  });

  describe("a heartbeat that is refused names the end of the license first", () => {
    test.for(["suspended", "cancelled", "expired"] as const)("%s", async (end) => {
      const { service, license_key, a, b, held } = await heldByA(engine());
      await service.change(
        license_key,
        end === "expired" ? { license_expiration: service.nowMs() } : { status: end },
      );
      const before = await service.item(license_key);
      const late = { ...held, session_id: "an-earlier-claim" };
      for (const beat of [b, late, { ...a, symbol: "ES" }]) {
        expect(await service.heartbeat(beat)).toMatchObject({
          status: 500,
          body: { license_valid: false, code: `license_${end}` },
        });
      }
      expect(await service.item(license_key)).toEqual(before);
    });
  });

  describe("entries that are over for 7 days are dropped at a claim, by one more write", () => {
    test("and no younger ones", async () => {
      const { service, x, symbols } = await twoDevices(engine());
      for (const symbol of ["OLD1", "OLD2"]) await service.validate({ ...x(1), symbol });
      service.passMs(1);
      await service.validate({ ...x(1), symbol: "YOUNGER" });
      service.passMs(59_999 + sevenDaysMs + 1);
      service.takeCalls();
      const { body } = await service.validate({ ...x(1), symbol: "NEW" });
      expect(body).toMatchObject({ code: "granted", active_symbols: ["NEW"] });
      expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
      expect(await symbols()).toEqual(["NEW", "YOUNGER"]);
    });

    test("one that was ended at once counts from then", async () => {
      const { service, license_key, x, symbols } = await twoDevices(engine());
      await service.validate({ ...x(1), symbol: "ES" });
      await service.endSession(license_key, "ES", { now: true });
      service.passMs(sevenDaysMs);
      await service.validate({ ...x(1), symbol: "NQ" });
      expect(await symbols()).toEqual(["ES", "NQ"]);
      service.passMs(1);
      await service.validate({ ...x(1), symbol: "CL" });
      expect(await symbols()).toEqual(["CL", "NQ"]);
    });
  });

  describe("an item edited by hand is never half applied, nor tried again and again, and end-session frees it", () => {
    const session = {
      device_fingerprint: deviceA,
      session_id: "id",
      started_at: 1,
      last_heartbeat: 1,
    };
    const report = Object.keys(reportSchema.shape).map((name) => [name, "text"]);
    // A new attribute must stand here as well.
    const whole: Required<Omit<Stored<Session>, keyof StoredReport>> = {
      ...session,
      ...Object.fromEntries(report),
      fencing_token: 1,
      run_id: runX,
      claim_number: 1,
      confirmed: true,
      renewed: true,
      lease_ms: 60_000,
      lapses_at: 60_001,
      contested_until: 2,
      replaced_run: runX,
      replaced_number: 1,
      asked: { device: "another", at: 1, until: 2, met: 1, symbols: ["ES"] },
      kept_until: 2,
      shared: true,
      left: true,
    };
    const vacancy: Required<Stored<Vacancy>> = {
      vacated_by: deviceA,
      vacated_session_id: "id",
      run_id: runX,
      claim_number: 1,
      lease_ms: 60_000,
      lapses_at: 60_001,
      ended_at: 1,
    };
    const odd: [string, Partial<Record<keyof StoredLicense, unknown>>][] = [
      ["no license_type", { license_type: undefined }],
      ["a license_type that is no text", { license_type: 7 }],
      ["an email that is no text", { email: 7 }],
      ["a created_at that is no number", { created_at: "yesterday" }],
      ["an end beyond what a date can hold", { license_expiration: 9e15 }],
      ["an end before what a date can hold", { license_expiration: -9e15 }],
      ["an end that is no number", { license_expiration: "soon" }],
      ["a status that is none", { status: "paused" }],
      ["seats that are no number", { max_sessions: "many" }],
      ["no seats at all", { max_sessions: undefined }],
      ["a seat and a half", { max_sessions: 1.5 }],
      ["no token", { fencing_token: undefined }],
      ["a token that is no number", { fencing_token: "seven" }],
      ["the last token there is", { fencing_token: Number.MAX_SAFE_INTEGER }],
      ["a timeout that is no number", { session_timeout_seconds: "long" }],
      ["no portfolios", { portfolios: undefined }],
      ["portfolios that are no map", { portfolios: "none" }],
      ["a session that is no map", { sessions: { ES: "held" } }],
      ["a session without timer", { sessions: { ES: { device_fingerprint: "d" } } }],
      [
        "a lease that is no number",
        { sessions: { ES: { ...session, lapses_at: 2, lease_ms: "x" } } },
      ],
      [
        "an end of a contest that is no number",
        { sessions: { ES: { ...session, contested_until: "x" } } },
      ],
      ["a member without session", { sessions: { ES: "gone" } }],
      ["sessions that are no map", { sessions: "none" }],
      ["no sessions", { sessions: undefined }],
      ...[whole, vacancy].flatMap((entry) =>
        Object.entries(entry).map(([name, value]): [string, { sessions: object }] => [
          `a ${"vacated_by" in entry ? "vacancy" : "session"} with a ${name} of another type`,
          { sessions: { ES: { ...entry, [name]: typeof value === "string" ? 7 : "odd" } } },
        ]),
      ),
    ];

    test.for(odd)("%s", async ([, attributes]) => {
      const { service, license_key, a, b, x, held } = await heldByA(engine());
      const item = await service.item(license_key);
      const { sessions } = attributes;
      const edited = {
        ...item,
        ...attributes,
        ...(typeof sessions === "object" && { sessions: { ...item?.sessions, ...sessions } }),
      } as Partial<StoredLicense>;
      service.passSeconds(20);
      for (const ask of [
        () => service.heartbeat(held),
        () => service.heartbeat({ ...a, symbol: "ES", session_id: "id" }),
        () => service.heartbeat({ ...a, symbol: "ES" }),
        () => service.release({ ...a, symbol: "ES", session_id: "id" }),
        () => service.validate({ ...a, symbol: "NQ" }),
        () => service.validate({ ...a, symbol: "ES" }),
        () => service.validate({ ...x(2), symbols: ["ES", "CL"] }),
        () => service.validate(x(2)),
        () => service.release(held),
      ]) {
        await service.change(license_key, edited);
        const before = await service.item(license_key);
        service.takeCalls();
        const { body } = await ask();
        expect(service.takeCalls().length).toBeLessThanOrEqual(3);
        if (body.code === "internal_error") expect(await service.item(license_key)).toEqual(before);
      }
      if (typeof (sessions as { ES?: unknown } | undefined)?.ES !== "object") return;
      await service.change(license_key, edited);
      await service.endSession(license_key, "ES");
      service.passSeconds(60);
      expect((await service.validate({ ...b, symbol: "ES" })).body.code).toBe("granted");
    });

    test("without a license_type it is a standard one", async () => {
      const { service, license_key, a } = await twoDevices(engine());
      await service.change(license_key, { license_type: undefined } as never);
      expect((await service.validate(a)).body).toMatchObject({
        code: "granted",
        license_type: "standard",
      });
    });

    test("an entry that no version wrote keeps its symbol from everybody, and no other, until an operator ends it", async () => {
      const { service, license_key, a } = await twoDevices(engine());
      await service.change(license_key, { sessions: { ES: { lapses_at: "late" } } } as never);
      expect((await service.validate({ ...a, symbol: "ES" })).body.code).toBe("internal_error");
      expect((await service.validate({ ...a, symbol: "NQ" })).body).toMatchObject({
        code: "granted",
        active_symbols: ["NQ"],
      });
      await service.endSession(license_key, "ES");
      expect((await service.validate({ ...a, symbol: "ES" })).body.code).toBe("granted");
    });
  });
}
