import fc from "fast-check";
import { expect, test } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import { printTried, replayable, scaled } from "./case-counts.ts";
import { dynaliteForProof } from "./proof-engine.ts";
import { serveLicense } from "./served-license.ts";

const timeoutMs = 60_000;
const options = { sessionTimeoutMs: timeoutMs, multiSymbolSessions: true };
const trueMs = Date.UTC(2026, 0, 5, 12);
/** How wrong the clock of the machine is that serves a request. */
const errorMs = fc.integer({ min: -2_500, max: 2_500 });

const engine = engineForTests(dynaliteForProof);

/** Device A holds the session, by a heartbeat that a machine with that error has served. */
async function heldThrough(machineErrorMs: number) {
  const license = {
    status: "active" as const,
    license_type: "standard",
    max_sessions: 1,
    fencing_token: 0,
    sessions: {},
  };
  const served = await serveLicense(engine(), options, license);
  const a = { device: "alpha-0123456789", symbol: "ES" };
  const beat = { verb: "heartbeat" as const, sessionId: undefined, report: {}, ...a };
  await served.perform({ verb: "claim", ...a }, trueMs + machineErrorMs);
  await served.perform(beat, trueMs + machineErrorMs);
  return {
    beat: (nowMs: number) => served.perform(beat, nowMs),
    rivalClaims: (nowMs: number) =>
      served.perform({ verb: "claim", device: "bravo-0123456789", symbol: "ES" }, nowMs),
  };
}

test("another device is let in exactly the difference of the two clocks early or late, never earlier", async () => {
  const runs = scaled(40, 5_000);
  await fc.assert(
    fc.asyncProperty(errorMs, errorMs, async (errorOfA, errorOfB) => {
      const { rivalClaims } = await heldThrough(errorOfA);
      const letInMs = trueMs + timeoutMs - (errorOfB - errorOfA);
      const early = await rivalClaims(letInMs - 1 + errorOfB);
      expect(early.body).toMatchObject({ code: "session_conflict", estimated_wait_seconds: 1 });
      expect((await rivalClaims(letInMs + errorOfB)).body.code).toBe("granted");
    }),
    replayable(runs),
  );
  printTried(`${runs} pairs of clocks on both sides of the bound`);
});

test("with clocks 5 s apart the bound is 55 s: reached, and not passed", async () => {
  const { rivalClaims } = await heldThrough(-2_500);
  expect((await rivalClaims(trueMs + 54_999 + 2_500)).status).toBe(403);
  expect((await rivalClaims(trueMs + 55_000 + 2_500)).status).toBe(200);
});

test("and late by as much: with the clocks the other way round it is 65 s", async () => {
  const { rivalClaims } = await heldThrough(2_500);
  expect((await rivalClaims(trueMs + 64_999 - 2_500)).status).toBe(403);
  expect((await rivalClaims(trueMs + 65_000 - 2_500)).status).toBe(200);
});

test("heartbeats every 20 s keep every rival out, whatever machine serves whom", async () => {
  const runs = scaled(12, 1_000);
  const errors = fc.array(fc.tuple(errorMs, errorMs), { minLength: 6, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(errors, async (machines) => {
      const { beat, rivalClaims } = await heldThrough(0);
      for (const [index, [errorOfA, errorOfB]] of machines.entries()) {
        const beatMs = trueMs + (index + 1) * 20_000;
        expect((await rivalClaims(beatMs + errorOfB)).body.code).toBe("session_conflict");
        expect((await beat(beatMs + errorOfA)).status).toBe(200);
      }
    }),
    replayable(runs),
  );
  printTried(`${runs} series of heartbeats through machines of different clocks`);
});
