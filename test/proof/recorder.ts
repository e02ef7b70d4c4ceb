import { isDeepStrictEqual } from "node:util";
import type { License } from "../../lambdas/rules/license.ts";
import type { Answer, Call } from "./call.ts";
import type { Recorded, Specification } from "./linearizability.ts";
import { possibleOutcomes } from "./model.ts";
import type { ServedLicense, ServiceOptions } from "./served-license.ts";

/** A call and the clock reading of the function that served it, epoch milliseconds. */
export type TimedCall = Call & { nowMs: number };
export type CallRecord = Recorded<TimedCall, Answer>;

/** Writes down when calls start and end, and what they are answered. */
export function openRecorder() {
  const history: CallRecord[] = [];
  let instant = 0;
  return {
    history,
    async perform(served: ServedLicense, call: TimedCall): Promise<Answer> {
      const record: CallRecord = { call, startedAt: ++instant, ended: undefined };
      history.push(record);
      const answer = await served.perform(call, call.nowMs);
      // An opaque 500 confirms nothing: the write may have been done, or may never be.
      if (answer.body.code !== "internal_error") record.ended = { at: ++instant, answer };
      return answer;
    },
  };
}

/** The rules as a specification to check histories against. */
export function rulesOf(
  options: ServiceOptions,
  alsoAnswered: (call: TimedCall, byTheRules: Answer, answered: Answer) => boolean = () => false,
): Specification<License | undefined, TimedCall, Answer> {
  return {
    next(item, call, answer) {
      const anyId = { status: 0, body: { session_id: "of a claim without an answer" } };
      const outcomes = possibleOutcomes(
        item,
        call,
        { nowMs: call.nowMs, ...options },
        answer ?? anyId,
      );
      // An operator ends the very lease that was seen: whatever moves it first is in the way.
      const lookAgain = { answer: { status: 409, body: {} }, item };
      return [...outcomes, ...(call.verb === "end-session" ? [lookAgain] : [])]
        .filter(
          (outcome) =>
            answer === undefined ||
            isDeepStrictEqual(outcome.answer, answer) ||
            alsoAnswered(call, outcome.answer, answer),
        )
        .map((outcome) => outcome.item);
    },
    keyOf: (item) => JSON.stringify(item, sortedKeys),
  };
}

function sortedKeys(_name: string, value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
    : value;
}
