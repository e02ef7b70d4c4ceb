import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { engineForTests } from "../support/engine-for-tests.ts";
import { printTried, replayable } from "./case-counts.ts";
import { breaches } from "./invariants.ts";
import { finalStates } from "./linearizability.ts";
import type { ProofEngine } from "./proof-engine.ts";
import { type Race, type RaceKind, raceKinds } from "./race.ts";
import { openRecorder, rulesOf } from "./recorder.ts";
import { serveLicense } from "./served-license.ts";

const options = { sessionTimeoutMs: 60_000, multiSymbolSessions: true };

/**
 * Concurrent calls. fast-check chooses the order in which their requests are sent to the engine and
 * the replies are delivered.
 */
export function describeRaces(
  engineName: string,
  openEngine: () => Promise<ProofEngine>,
  rounds: number,
): void {
  describe(`on ${engineName}`, () => {
    const engine = engineForTests(openEngine);

    const promise = "some order of the calls explains every answer, and no invariant is broken";
    test.for(Object.keys(raceKinds))(`%s: ${promise}`, { timeout: 3_600_000 }, async (name) => {
      const kind = kindNamed(name);
      await fc.assert(
        fc.asyncProperty(kind.race, fc.scheduler(), (race, scheduler) =>
          expectExplained(engine(), kind, race, scheduler),
        ),
        replayable(rounds),
      );
      printTried(`${rounds} races of ${name} on ${engineName}`);
    });
  });
}

async function expectExplained(
  engine: ProofEngine,
  kind: RaceKind,
  race: Race,
  scheduler: fc.Scheduler,
): Promise<void> {
  const served = await serveLicense(engine, options, race.before);
  const before = served.shown();
  const recorder = openRecorder();
  engine.paces.set(served.licenseId, () => scheduler.schedule(Promise.resolve()));
  await scheduler.waitFor(
    Promise.all(
      race.programs.map(async (program) => {
        for (const call of program) await recorder.perform(served, call);
      }),
    ),
  );
  engine.paces.delete(served.licenseId);

  const item = await served.stored();
  // Nothing fails in a race, so every call must get a definite answer. The exception is clocks that
  // are a timeout apart: rivals may then refuse a claim without end, and the service gives up.
  const clocksMs = recorder.history.map(({ call }) => call.nowMs);
  if (Math.max(...clocksMs) - Math.min(...clocksMs) < options.sessionTimeoutMs) {
    expect(recorder.history.filter(({ ended }) => !ended)).toEqual([]);
  }
  const finals = finalStates(recorder.history, before, rulesOf(options));
  expect(finals.some((state) => isDeepStrictEqual(state, item))).toBe(true);
  expect(breaches(recorder.history, item, before)).toEqual([]);
  expect(kind.complaints(recorder.history, race)).toEqual([]);
  engine.shown.delete(served.licenseId);
}

function kindNamed(name: string): RaceKind {
  const kind = raceKinds[name];
  if (!kind) throw new Error(`There is no race ${name}`);
  return kind;
}
