import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { finalStates, type Recorded, type Specification } from "./linearizability.ts";

type RegisterCall = { write: number } | "read";
const register: Specification<number, RegisterCall, number> = {
  next(state, call, answer) {
    if (call !== "read") return [call.write];
    return answer === undefined || answer === state ? [state] : [];
  },
  keyOf: String,
};

/** `|--write 1--|` as `at(0, 4, { write: 1 })`. */
function at(startedAt: number, endedAt: number, call: RegisterCall, answer = 0) {
  return { call, startedAt, ended: { at: endedAt, answer } };
}
function unanswered(startedAt: number, call: RegisterCall): Recorded<RegisterCall, number> {
  return { call, startedAt, ended: undefined };
}
const verdict = (history: Recorded<RegisterCall, number>[]) => finalStates(history, 0, register);

describe("a history is accepted", () => {
  test.for([
    ["that is empty", [], [0]],
    ["of one call after the other", [at(0, 1, { write: 1 }), at(2, 3, "read", 1)], [1]],
    [
      "whose read overlaps the write and is early",
      [at(0, 3, { write: 1 }), at(1, 2, "read", 0)],
      [1],
    ],
    [
      "whose read overlaps the write and is late",
      [at(0, 3, { write: 1 }), at(1, 2, "read", 1)],
      [1],
    ],
    [
      "of two writes at once, in either order",
      [at(0, 2, { write: 1 }), at(1, 3, { write: 2 })],
      [1, 2],
    ],
    ["whose unanswered write was done", [unanswered(0, { write: 1 }), at(5, 6, "read", 1)], [1]],
    [
      "whose unanswered write was not done",
      [unanswered(0, { write: 1 }), at(5, 6, "read", 0)],
      [0, 1],
    ],
    [
      "whose unanswered write was done late",
      [unanswered(0, { write: 1 }), at(2, 3, "read", 0), at(4, 5, "read", 1)],
      [1],
    ],
  ] as const)("%s", ([, history, finals]) => {
    expect(verdict([...history]).sort()).toEqual(finals);
  });
});

describe("a history is rejected", () => {
  test.for([
    ["whose read is of a value nobody wrote", [at(0, 1, "read", 7)]],
    ["whose read misses a write that had ended", [at(0, 1, { write: 1 }), at(2, 3, "read", 0)]],
    ["whose read sees a write that had not begun", [at(0, 1, "read", 1), at(2, 3, { write: 1 })]],
    [
      "that goes back to an older value",
      [at(0, 9, { write: 1 }), at(1, 2, "read", 1), at(3, 4, "read", 0)],
    ],
    [
      "whose readers disagree on the order of two writes",
      [
        at(0, 9, { write: 1 }),
        at(0, 9, { write: 2 }),
        at(10, 11, "read", 1),
        at(12, 13, "read", 2),
      ],
    ],
    [
      "whose unanswered write is undone again",
      [unanswered(0, { write: 1 }), at(2, 3, "read", 1), at(4, 5, "read", 0)],
    ],
    [
      "whose unanswered write was done before it began",
      [at(0, 1, "read", 1), unanswered(2, { write: 1 })],
    ],
  ] as const)("%s", ([, history]) => {
    expect(verdict([...history])).toEqual([]);
  });
});

test("it says of every small history what trying all orders says", () => {
  const call = fc.record({
    call: fc.constantFrom<RegisterCall>("read", { write: 1 }, { write: 2 }),
    startedAt: fc.nat(6),
    lasts: fc.option(fc.nat(4), { nil: undefined }),
    answer: fc.nat(2),
  });
  fc.assert(
    fc.property(fc.array(call, { maxLength: 5 }), (calls) => {
      const history = calls.map(({ call, startedAt, lasts, answer }) => ({
        call,
        startedAt,
        ended: lasts === undefined ? undefined : { at: startedAt + lasts, answer },
      }));
      expect(new Set(verdict(history))).toEqual(new Set(byTryingAllOrders(history)));
    }),
    { numRuns: 500 },
  );
});

function byTryingAllOrders(history: Recorded<RegisterCall, number>[]): number[] {
  const unansweredSubsets = history
    .filter(({ ended }) => !ended)
    .reduce<Recorded<RegisterCall, number>[][]>(
      (subsets, one) => subsets.flatMap((subset) => [subset, [...subset, one]]),
      [[]],
    );
  const answered = history.filter(({ ended }) => ended);
  return unansweredSubsets
    .flatMap((subset) => permutations([...answered, ...subset]))
    .filter((order) =>
      order.every((later, index) =>
        order.slice(0, index).every((one) => !later.ended || later.ended.at >= one.startedAt),
      ),
    )
    .flatMap((order) => {
      let value = 0;
      for (const { call, ended } of order) {
        if (call !== "read") value = call.write;
        else if (ended && ended.answer !== value) return [];
      }
      return [value];
    });
}

function permutations<Value>(values: Value[]): Value[][] {
  if (values.length === 0) return [[]];
  return values.flatMap((value, index) =>
    permutations(values.toSpliced(index, 1)).map((rest) => [value, ...rest]),
  );
}
