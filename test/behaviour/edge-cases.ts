import { describe, expect, test } from "vitest";
import { endedVacancy } from "../../lambdas/rules/end-session-update.ts";
import type { License } from "../../lambdas/rules/license.ts";
import { engineForTests } from "../support/engine-for-tests.ts";
import type { Engine } from "../support/engines.ts";
import { openTestService, type TestServiceOptions } from "../support/test-service.ts";

const deviceA = "device-a-0123456789";
const deviceB = "device-b-0123456789";
const sevenDaysMs = 7 * 86_400_000;

/** Sequences that could lead to two holders, a lost seat or a token that goes back. */
export function describeEdgeCases(engineName: string, startEngine: () => Promise<Engine>): void {
  describe(`on ${engineName}`, () => {
    const engine = engineForTests(startEngine);

    async function openLicense(options?: TestServiceOptions, maxSessions = 20) {
      const service = openTestService(engine(), options);
      const license_key = await service.license({ maxSessions });
      const a = { license_key, device_fingerprint: deviceA };
      const b = { license_key, device_fingerprint: deviceB };
      return { service, license_key, a, b };
    }

    async function heldByA(options?: TestServiceOptions) {
      const opened = await openLicense(options);
      const { body } = await opened.service.validate(opened.a);
      return { ...opened, held: { ...opened.a, session_id: body.session_id } };
    }

    describe("the timer never runs backwards", () => {
      test("a heartbeat read from an earlier clock than the stored one is heartbeat_late and changes nothing", async () => {
        const { service, license_key, held } = await heldByA();
        service.passSeconds(40);
        expect((await service.heartbeat(held)).status).toBe(200);
        const before = await service.item(license_key);
        service.passMs(-1);
        expect(await service.heartbeat(held)).toEqual({
          status: 500,
          body: {
            status: "error",
            session_conflict: false,
            code: "heartbeat_late",
            message: expect.any(String),
          },
        });
        expect(await service.item(license_key)).toEqual(before);
      });

      test("also not where a longer timeout would move the end of the lease on", async () => {
        const { service, license_key, held } = await heldByA({ sessionTimeoutSeconds: 30 });
        const before = await service.item(license_key);
        service.deploy({ sessionTimeoutSeconds: 60 });
        service.passMs(-1);
        expect((await service.heartbeat(held)).body.code).toBe("heartbeat_late");
        expect(await service.item(license_key)).toEqual(before);
      });

      test("a second attempt at the same heartbeat succeeds", async () => {
        const { service, held } = await heldByA();
        service.passSeconds(20);
        expect((await service.heartbeat(held)).status).toBe(200);
        expect((await service.heartbeat(held)).status).toBe(200);
      });
    });

    describe("a session lapses no earlier than its holder was promised", () => {
      test("a shorter timeout concerns later claims and heartbeats only", async () => {
        const { service, b } = await heldByA();
        service.deploy({ sessionTimeoutSeconds: 30 });
        service.passMs(59_999);
        expect((await service.validate(b)).body).toMatchObject({
          code: "session_conflict",
          estimated_wait_seconds: 1,
        });
        service.passMs(1);
        expect((await service.validate(b)).body).toMatchObject({
          code: "granted",
          session_timeout_seconds: 30,
        });
      });

      test("a heartbeat under the shorter timeout takes nothing of what was promised before", async () => {
        const { service, license_key, a, b, held } = await heldByA();
        service.passSeconds(1);
        service.deploy({ sessionTimeoutSeconds: 30 });
        for (const beat of [held, a]) {
          service.takeCalls();
          expect((await service.heartbeat(beat)).status).toBe(200);
          expect(service.takeCalls().filter((call) => call === "UpdateItem")).toHaveLength(2);
        }
        expect(await service.session(license_key)).toMatchObject({
          last_heartbeat: service.nowMs(),
          lapses_at: service.nowMs() + 59_000,
        });
        service.passMs(58_999);
        expect((await service.validate(b)).status).toBe(403);
        service.passMs(1);
        expect((await service.validate(b)).status).toBe(200);
      });

      test("a longer timeout is given with the next heartbeat", async () => {
        const { service, b, held } = await heldByA({ sessionTimeoutSeconds: 30 });
        service.deploy({ sessionTimeoutSeconds: 90 });
        await service.heartbeat(held);
        service.passMs(89_999);
        expect((await service.validate(b)).status).toBe(403);
      });
    });

    describe("attempts with one claim_id are one claim", () => {
      test("it becomes the session_id, and a second attempt is granted and writes nothing", async () => {
        const { service, license_key, a } = await openLicense();
        const opening = { ...a, claim_id: "opening-1" };
        const first = await service.validate(opening);
        expect(first.body).toMatchObject({ session_id: "opening-1", fencing_token: 1 });
        const before = await service.item(license_key);
        service.passSeconds(4);
        expect(await service.validate(opening)).toEqual(first);
        expect(await service.item(license_key)).toEqual(before);
        expect((await service.heartbeat({ ...a, session_id: "opening-1" })).status).toBe(200);
      });

      test("a second attempt gets the lease that the first was given, whatever is deployed since", async () => {
        const { service, license_key, a, b } = await openLicense();
        service.deploy({ sessionTimeoutSeconds: 30 });
        const opening = { ...a, claim_id: "opening-1" };
        await service.validate(opening);
        service.deploy({ sessionTimeoutSeconds: 60 });
        service.passSeconds(5);
        expect((await service.validate(opening)).body).toMatchObject({
          session_timeout_seconds: 30,
          heartbeat_interval_seconds: 10,
        });
        expect((await service.session(license_key))?.lapses_at).toBe(service.nowMs() + 25_000);
        service.passSeconds(25);
        expect((await service.validate(b)).body.code).toBe("granted");
      });

      test("an attempt that arrives when the lease of the first is over gets a lease of its own", async () => {
        const { service, license_key, a, b } = await openLicense();
        const opening = { ...a, claim_id: "opening-1" };
        await service.validate(opening);
        service.passSeconds(60);
        expect((await service.validate(opening)).body).toMatchObject({
          code: "granted",
          session_id: "opening-1",
          fencing_token: 2,
        });
        expect((await service.session(license_key))?.lapses_at).toBe(service.nowMs() + 60_000);
        expect((await service.validate(b)).status).toBe(403);
      });

      test("an attempt is refused once the license is over", async () => {
        const { service, license_key, a } = await openLicense();
        const opening = { ...a, claim_id: "opening-1" };
        await service.validate(opening);
        await service.change(license_key, { status: "suspended" });
        expect((await service.validate(opening)).body.code).toBe("license_suspended");
      });

      test("a late attempt at a claim that is over doesn't begin it again", async () => {
        const { service, license_key, a } = await openLicense();
        const opening = { ...a, claim_id: "opening-1" };
        await service.validate(opening);
        await service.endSession(license_key);
        const before = await service.item(license_key);
        expect((await service.validate(opening)).body.code).toBe("session_conflict");
        expect(await service.item(license_key)).toEqual(before);
        expect((await service.heartbeat({ ...a, session_id: "opening-1" })).body.code).toBe(
          "session_ended",
        );
        expect((await service.validate({ ...a, claim_id: "opening-2" })).status).toBe(200);
      });

      test("a late attempt of an earlier opening of a process takes nothing from a later one", async () => {
        const { service, license_key, a } = await openLicense();
        const second = { ...a, claim_id: "y.a-process.10" };
        await service.validate(second);
        const before = await service.item(license_key);
        const late = { ...a, claim_id: "x.a-process.9" };
        expect((await service.validate(late)).body.code).toBe("session_conflict");
        expect(await service.item(license_key)).toEqual(before);
        await service.endSession(license_key);
        expect((await service.validate(late)).body.code).toBe("session_conflict");
        expect((await service.validate({ ...a, claim_id: "z.a-process.11" })).status).toBe(200);
      });

      test.each([
        "z.a-process.2",
        "x.a-process.3",
        "x.another-process.1",
        "x.a-process.",
        "x.a-process.1-old",
        "a-process.1",
        "x",
      ])("%s is of no earlier claim than y.a-process.2, and replaces its session", async (id) => {
        const { service, a } = await openLicense();
        await service.validate({ ...a, claim_id: "y.a-process.2" });
        expect((await service.validate({ ...a, claim_id: id })).body).toMatchObject({
          code: "granted",
          session_id: id,
        });
      });

      test("a word of less than 8 characters names no process: the next one may have it, too", async () => {
        const { service, a } = await openLicense();
        await service.validate({ ...a, claim_id: "y.1234567.2" });
        expect((await service.validate({ ...a, claim_id: "x.1234567.1" })).status).toBe(200);
      });

      test("an earlier opening may have what a later one no longer holds", async () => {
        const { service, a } = await openLicense();
        await service.validate({ ...a, claim_id: "y.a-process.2" });
        service.passSeconds(60);
        expect((await service.validate({ ...a, claim_id: "x.a-process.1" })).status).toBe(200);
      });

      test("the id of another device's session is no advantage", async () => {
        const { service, license_key, a, b } = await openLicense();
        await service.validate({ ...a, claim_id: "opening-1" });
        const before = await service.item(license_key);
        const thief = { ...b, claim_id: "opening-1" };
        expect((await service.validate(thief)).body.code).toBe("session_conflict");
        expect(await service.item(license_key)).toEqual(before);
        expect((await service.heartbeat({ ...b, session_id: "opening-1" })).body.code).toBe(
          "session_taken",
        );
      });

      test("check_only with the id of a session says that it can be had", async () => {
        const { service, a } = await openLicense();
        await service.validate({ ...a, claim_id: "opening-1" });
        const check = { ...a, claim_id: "opening-1", check_only: true };
        expect((await service.validate(check)).body.code).toBe("available");
      });
    });

    describe("a second copy on the same device", () => {
      test("that releases doesn't free the key while the first may believe", async () => {
        const { service, license_key, a, b, held } = await heldByA();
        service.passSeconds(20);
        const first = await service.session(license_key);
        const copy = await service.validate(a);
        expect(copy.body.code).toBe("granted");
        expect(await service.session(license_key)).toMatchObject({
          contested_until: first?.lapses_at,
        });
        const released = await service.release({ ...a, session_id: copy.body.session_id });
        expect(released.body).toMatchObject({
          code: "released",
          message: expect.stringContaining("40 s"),
        });
        expect((await service.item(license_key))?.sessions["*"]).toEqual({
          vacated_by: deviceA,
          vacated_session_id: copy.body.session_id,
          lapses_at: first?.lapses_at,
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

      test("that lapses under a shorter timeout doesn't free the key either", async () => {
        const { service, a, b } = await heldByA();
        service.deploy({ sessionTimeoutSeconds: 5 });
        await service.validate(a);
        service.passMs(59_999);
        expect((await service.validate(b)).body.code).toBe("session_conflict");
        service.passMs(1);
        expect((await service.validate(b)).status).toBe(200);
      });

      test("keeps the greatest contested_until there is", async () => {
        const { service, license_key, a } = await heldByA();
        service.deploy({ sessionTimeoutSeconds: 5 });
        await service.validate(a);
        service.passSeconds(1);
        await service.validate(a);
        expect((await service.session(license_key))?.contested_until).toBe(
          service.nowMs() + 59_000,
        );
      });

      test("is let in at once after a release that left the entry", async () => {
        const { service, license_key, a } = await heldByA();
        await service.validate(a);
        await service.release(a);
        const vacancy = (await service.item(license_key))?.sessions["*"];
        expect((await service.validate(a)).status).toBe(200);
        expect((await service.session(license_key))?.contested_until).toBe(vacancy?.lapses_at);
      });

      test("after a contest that is over, a release frees the key in one write", async () => {
        const { service, a, b } = await heldByA();
        const { body } = await service.validate(a);
        service.passSeconds(60);
        const copy = { ...a, session_id: body.session_id };
        await service.heartbeat(copy);
        service.takeCalls();
        expect((await service.release(copy)).body.message).toBe("The session has ended.");
        expect(service.takeCalls()).toEqual(["UpdateItem"]);
        expect((await service.validate(b)).status).toBe(200);
      });

      test("two of them at once: one holds, both are contested by the first", async () => {
        for (let round = 0; round < 10; round++) {
          const { service, license_key, a } = await heldByA();
          const replies = await Promise.all([service.validate(a), service.validate(a)]);
          expect(replies.map(({ body }) => body.code)).toEqual(["granted", "granted"]);
          const tokens = replies.map(({ body }) => body.fencing_token);
          expect(tokens.sort()).toEqual([2, 3]);
          expect((await service.session(license_key))?.contested_until).toBe(
            service.nowMs() + 60_000,
          );
        }
      });
    });

    describe("a session that an operator ended", () => {
      test("is refused at its next heartbeat, and stays the device's until its right is over", async () => {
        const { service, license_key, a, b, held } = await heldByA();
        service.passSeconds(5);
        await service.endSession(license_key);
        for (const beat of [held, a]) {
          expect(await service.heartbeat(beat)).toEqual({
            status: 500,
            body: {
              status: "error",
              session_conflict: true,
              code: "session_ended",
              message: expect.any(String),
            },
          });
        }
        expect((await service.heartbeat(b)).body.code).toBe("session_not_found");
        service.passMs(54_999);
        expect((await service.validate(b)).body.code).toBe("session_conflict");
        service.passMs(1);
        expect((await service.validate(b)).status).toBe(200);
        expect((await service.heartbeat(held)).body.code).toBe("session_taken");
      });

      test("is refused when it had lapsed before, too", async () => {
        const { service, license_key, held } = await heldByA();
        service.passSeconds(3_600);
        await service.endSession(license_key);
        expect((await service.heartbeat(held)).body.code).toBe("session_ended");
      });

      test("may be claimed by its device again, and is then contested by what it was", async () => {
        const { service, license_key, a } = await heldByA();
        await service.endSession(license_key);
        expect((await service.validate(a)).body.code).toBe("granted");
        expect((await service.session(license_key))?.contested_until).toBe(
          service.nowMs() + 60_000,
        );
      });

      test("in the middle of a release: nothing is left to release, and the mark stays", async () => {
        const { service, license_key, a, held } = await heldByA();
        await service.validate(a);
        await service.endSession(license_key);
        const before = await service.item(license_key);
        expect((await service.release(a)).body.code).toBe("not_held");
        expect((await service.release(held)).body.code).toBe("not_held");
        expect(await service.item(license_key)).toEqual(before);
      });

      test("freed at once on request, it is free at once", async () => {
        const { service, license_key, b, held } = await heldByA();
        const session = await service.session(license_key);
        if (!session) throw new Error("A holds the session");
        await service.change(license_key, {
          sessions: { "*": endedVacancy(session, service.nowMs()) },
        });
        expect((await service.heartbeat(held)).body.code).toBe("session_ended");
        expect((await service.validate(b)).status).toBe(200);
      });
    });

    describe("seats", () => {
      /** Every seat is taken by a device and a symbol of its own. */
      async function fullLicense(seats: number) {
        const { service, license_key } = await openLicense({}, seats);
        const claim = (symbol: string, device_fingerprint = `device-of-${symbol}`) =>
          service.validate({ license_key, device_fingerprint, symbol });
        await service.change(license_key, {
          sessions: Object.fromEntries(
            Array.from({ length: seats }, (_, index) => [
              symbolOf(index),
              {
                device_fingerprint: `device-of-${symbolOf(index)}`,
                session_id: `session-${index}`,
                started_at: service.nowMs() + index,
                last_heartbeat: service.nowMs() + index,
                lapses_at: service.nowMs() + index + 60_000,
              },
            ]),
          ),
        });
        const symbols = async () =>
          Object.keys((await service.item(license_key))?.sessions ?? {}).sort();
        return { service, license_key, claim, symbols };
      }
      const symbolOf = (index: number) => `S${index}`.padEnd(64, "-");

      test("that were taken away are claimed by nobody else", async () => {
        const { service, license_key, claim, symbols } = await fullLicense(20);
        service.passSeconds(61);
        await service.change(license_key, { max_sessions: 1 });
        const replies = [];
        for (let index = 0; index < 20; index++) {
          replies.push(await claim(symbolOf(index), `other-device-${index}`));
        }
        expect(replies.map(({ body }) => body.code)).toEqual([
          "granted",
          ...Array(19).fill("session_limit"),
        ]);
        expect(await symbols()).toEqual([symbolOf(0)]);
      });

      test("that were taken away are claimed by nobody else at one instant", async () => {
        const { service, license_key, claim, symbols } = await fullLicense(5);
        service.passSeconds(61);
        await service.change(license_key, { max_sessions: 1 });
        const replies = await Promise.all(
          Array.from({ length: 5 }, (_, index) => claim(symbolOf(index), `other-device-${index}`)),
        );
        expect(replies.filter(({ status }) => status === 200)).toHaveLength(1);
        expect(await symbols()).toHaveLength(1);
      });

      test("that were taken away are kept by their live holders, also over a restart", async () => {
        const { service, license_key, claim, symbols } = await fullLicense(4);
        await service.change(license_key, { max_sessions: 1 });
        service.passSeconds(20);
        const beat = { license_key, device_fingerprint: `device-of-${symbolOf(3)}` };
        expect((await service.heartbeat({ ...beat, symbol: symbolOf(3) })).status).toBe(200);
        expect((await claim(symbolOf(3))).status).toBe(200);
        expect((await claim("NEW")).body.code).toBe("session_limit");
        expect(await symbols()).toHaveLength(4);
      });

      test("that are given back can be claimed again", async () => {
        const { service, license_key, claim } = await fullLicense(3);
        await service.change(license_key, { max_sessions: 1 });
        expect((await claim("NEW")).body.code).toBe("session_limit");
        await service.change(license_key, { max_sessions: 4 });
        expect((await claim("NEW")).status).toBe(200);
      });

      test.for([1, 2, 72, 73, 74, 99, 100])(
        "a claim that must displace %i entries displaces them, and check_only says so",
        async (surplus) => {
          const { service, license_key, claim, symbols } = await fullLicense(100);
          service.passSeconds(61);
          await service.change(license_key, { max_sessions: 101 - surplus });
          const check = { license_key, device_fingerprint: deviceA, symbol: "NEW" };
          expect((await service.validate({ ...check, check_only: true })).body.code).toBe(
            "available",
          );
          expect((await claim("NEW")).body.code).toBe("granted");
          expect(await symbols()).toHaveLength(101 - surplus);
        },
      );

      test("entries that lapsed more than 7 days ago are dropped at a claim, by one more write", async () => {
        const { service, license_key, a } = await openLicense();
        for (const symbol of ["OLD1", "OLD2"]) await service.validate({ ...a, symbol });
        service.passMs(1);
        await service.validate({ ...a, symbol: "YOUNGER" });
        service.passMs(59_999 + sevenDaysMs + 1);
        service.takeCalls();
        const { body } = await service.validate({ ...a, symbol: "NEW" });
        expect(body).toMatchObject({ code: "granted", active_symbols: ["NEW"] });
        expect(service.takeCalls()).toEqual(["UpdateItem", "UpdateItem"]);
        const { sessions = {} } = (await service.item(license_key)) ?? {};
        expect(Object.keys(sessions).sort()).toEqual(["NEW", "YOUNGER"]);
        expect((await service.heartbeat({ ...a, symbol: "OLD1" })).body.code).toBe(
          "session_not_found",
        );
      });

      test("100 of them are dropped at once", async () => {
        const { service, claim, symbols } = await fullLicense(100);
        service.passMs(sevenDaysMs + 70_000);
        expect((await claim(symbolOf(0))).status).toBe(200);
        expect(await symbols()).toEqual([symbolOf(0)]);
      });

      test("a heartbeat drops nothing", async () => {
        const { service, license_key, symbols } = await fullLicense(3);
        service.passMs(sevenDaysMs + 70_000);
        const device_fingerprint = `device-of-${symbolOf(0)}`;
        await service.heartbeat({ license_key, device_fingerprint, symbol: symbolOf(0) });
        expect(await symbols()).toHaveLength(3);
      });
    });

    describe("a heartbeat that is refused names the end of the license first", () => {
      test.for(["suspended", "cancelled", "expired"] as const)("%s", async (end) => {
        const { service, license_key, a, b, held } = await heldByA();
        await service.change(
          license_key,
          end === "expired" ? { license_expiration: service.nowMs() } : { status: end },
        );
        const over = {
          status: 500,
          body: {
            status: "error",
            license_valid: false,
            code: `license_${end}`,
            message: expect.any(String),
          },
        };
        const before = await service.item(license_key);
        expect(await service.heartbeat(b)).toEqual(over);
        expect(await service.heartbeat({ ...held, session_id: "an-earlier-claim" })).toEqual(over);
        expect(await service.heartbeat({ ...a, symbol: "ES" })).toEqual(over);
        expect(await service.item(license_key)).toEqual(before);
      });
    });

    describe("an item edited by hand is never half applied", () => {
      const odd: [string, Partial<Record<keyof License, unknown>>][] = [
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
        ["a session that is no map", { sessions: { ES: "held" } }],
        ["a session without lease", { sessions: { ES: { device_fingerprint: "d" } } }],
      ];

      test.for(odd)("%s", async ([, attributes]) => {
        const { service, license_key, a, held } = await heldByA();
        const item = await service.item(license_key);
        await service.change(license_key, {
          ...attributes,
          ...(attributes.sessions !== undefined && {
            sessions: { ...item?.sessions, ...attributes.sessions },
          }),
        } as Partial<License>);
        service.passSeconds(20);
        for (const ask of [
          () => service.heartbeat(held),
          () => service.validate({ ...a, symbol: "NQ" }),
          () => service.validate({ ...a, symbol: "ES" }),
          () => service.validate(a),
          () => service.release(a),
        ]) {
          const before = await service.item(license_key);
          const { body } = await ask();
          const changed =
            JSON.stringify(await service.item(license_key)) !== JSON.stringify(before);
          if (body.code === "internal_error") expect(changed).toBe(false);
        }
      });

      test("without a license_type it is a standard one", async () => {
        const { service, license_key, a } = await openLicense();
        await service.change(license_key, { license_type: undefined } as never);
        expect((await service.validate(a)).body).toMatchObject({
          code: "granted",
          license_type: "standard",
        });
      });

      test("a session that can't be read keeps its symbol from everybody, and no other", async () => {
        const { service, license_key, a } = await openLicense();
        await service.change(license_key, { sessions: { ES: { lapses_at: "late" } } } as never);
        expect((await service.validate({ ...a, symbol: "ES" })).body.code).toBe("internal_error");
        expect((await service.validate({ ...a, symbol: "NQ" })).body).toMatchObject({
          code: "granted",
          active_symbols: ["NQ"],
        });
      });
    });

    describe("symbols", () => {
      test.for([
        ["es", "ES"],
        [" ES 12-26 ", "ES 12-26"],
        ["BTC/USDT:USDT", "BTC/USDT:USDT"],
        ["CME_MINI:ES1!", "CME_MINI:ES1!"],
        ["**", "**"],
        ["x".repeat(64), "X".repeat(64)],
      ])("%s is the symbol %s", async ([asked, symbol]) => {
        const { service, a, b } = await openLicense();
        expect((await service.validate({ ...a, symbol: asked })).body.symbol).toBe(symbol);
        expect((await service.validate({ ...b, symbol })).body.code).toBe("session_conflict");
        expect((await service.heartbeat({ ...a, symbol: asked })).status).toBe(200);
        expect((await service.release({ ...a, symbol: asked })).body.code).toBe("released");
      });
    });

    describe("what it costs", () => {
      test("a claim over a live session and a contested release are two writes, and no more", async () => {
        const { service, a } = await heldByA();
        service.takeCalls();
        const writes = async (work: Promise<unknown>) => {
          await work;
          return service.takeCalls().filter((call) => call === "UpdateItem").length;
        };
        expect(await writes(service.validate(a))).toBe(2);
        expect(await writes(service.release(a))).toBe(2);
        service.passSeconds(60);
        expect(await writes(service.validate(a))).toBe(1);
        expect(await writes(service.release(a))).toBe(1);
      });
    });
  });
}
