import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { License } from "../../lambdas/rules/license.ts";
import { engineForTests } from "../support/engine-for-tests.ts";
import type { Answer, Call } from "./call.ts";
import { printTried, replayable } from "./case-counts.ts";
import { arbitrarySteps, type Step, startMs } from "./history-step.ts";
import { possibleOutcomes } from "./model.ts";
import type { ProofEngine } from "./proof-engine.ts";
import { type ServedLicense, type ServiceOptions, serveLicense } from "./served-license.ts";

const stepsOfHistory = 30;

type HistoriesSize = {
  histories: number;
  /** How many run at a time: more than one where the engine has a process of its own. */
  lanes: number;
  /** Added to the seed, so that no two test files try the same. */
  seedOffset: number;
};

/** What is known of the license beside it: all that it may be compared with. */
type Model = { item: License | undefined; nowMs: number; grantedIds: string[] };

/**
 * Random programs of several devices and an operator against the real functions on a real engine.
 */
export function describeHistories(
  engineName: string,
  openEngine: () => Promise<ProofEngine>,
  size: HistoriesSize,
): void {
  describe(`on ${engineName}`, () => {
    const engine = engineForTests(openEngine);

    test("after every step of every history answer and stored item are those of the rules", async () => {
      let steps = 0;
      const property = fc.asyncProperty(arbitrarySteps(stepsOfHistory), async (history) => {
        const served = await serveLicense(engine(), history.options, history.license);
        const item = history.license && { license_id: served.licenseId, ...history.license };
        await fc.asyncModelRun(
          () => ({ model: { item, nowMs: startMs, grantedIds: [] }, real: served }),
          history.steps.map((step) => commandOf(step, history.options)),
        );
        expect(await served.stored()).toEqual(engine().shown.get(served.licenseId));
        engine().shown.delete(served.licenseId);
        steps += history.steps.length;
      });
      await inLanes(size, async (runs, lane) => {
        await fc.assert(property, replayable(runs, lane));
        printTried(
          `${steps / stepsOfHistory} histories of ${stepsOfHistory} steps on ${engineName}`,
        );
      });
      expect(steps).toBe(size.histories * stepsOfHistory);
    }, 3_600_000);
  });
}

/** In portions, so that a long run shows how far it is. */
async function inLanes(
  { histories, lanes, seedOffset }: HistoriesSize,
  run: (runs: number, seedOffset: number) => Promise<void>,
): Promise<void> {
  const most = Math.min(500, Math.ceil(histories / lanes));
  const portions = Array.from({ length: Math.ceil(histories / most) }, (_, index) => ({
    runs: Math.min(most, histories - index * most),
    seedOffset: seedOffset + index,
  }));
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let next = portions.shift(); next; next = portions.shift()) {
        await run(next.runs, next.seedOffset);
      }
    }),
  );
}

function commandOf(
  step: Step,
  options: ServiceOptions,
): fc.AsyncCommand<Model, ServedLicense> & { toString(): string } {
  return {
    check: () => true,
    async run(model, served) {
      if (step.does === "pass") {
        model.nowMs += step.ms;
        return;
      }
      const call = step.call(model);
      const answer = await served.perform(call, model.nowMs);
      model.item = agreed(model, served, call, answer, options);
      if (answer.body.code === "granted") noteId(model, call, answer);
    },
    toString: () => step.inWords,
  };
}

/** The item after the call, if answer and stored item are possible by the rules. */
function agreed(
  { item, nowMs }: Model,
  served: ServedLicense,
  call: Call,
  answer: Answer,
  options: ServiceOptions,
): License | undefined {
  const outcomes = possibleOutcomes(item, call, { nowMs, ...options }, answer);
  const observed = { answer, item: answer.status === 409 ? item : served.shown() };
  const match = outcomes.find((outcome) => isDeepStrictEqual(outcome, observed));
  // For its words: it fails, and shows where the two differ.
  if (!match) expect(observed, JSON.stringify(call)).toEqual(outcomes[0]);
  return observed.item;
}

function noteId({ grantedIds }: Model, call: Call, { body }: Answer): void {
  const id = String(body.session_id);
  if (call.verb === "claim" && call.claimId === undefined) {
    expect(grantedIds).not.toContain(id);
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
  }
  grantedIds.push(id);
}
