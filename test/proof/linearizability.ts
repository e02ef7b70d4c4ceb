/** A call of a recorded history. Instants are anything that grows; of two that touch, neither is first. */
export type Recorded<Call, Answer> = {
  call: Call;
  startedAt: number;
  /** `undefined`: nobody knows whether it was done, is still to be done or never will be. */
  ended: { at: number; answer: Answer } | undefined;
};

export type Specification<State, Call, Answer> = {
  /**
   * The states that the call may leave behind if it has the state for itself, and gives that
   * answer; none, if it can't. Without an answer: the states it may leave behind, whatever it says.
   */
  next(state: State, call: Call, answer: Answer | undefined): State[];
  /** Equal for equal states. */
  keyOf(state: State): string;
};

/**
 * Searches for an order of the calls that explains all answers and respects real time: a call that
 * ended before another started comes first. Uses the algorithm of Wing and Gong with Lowe's
 * memoisation, which is sound and complete.
 *
 * @returns the states that such orders can end in; empty if the history is not linearizable
 */
export function finalStates<State, Call, Answer>(
  history: readonly Recorded<Call, Answer>[],
  initial: State,
  { next, keyOf }: Specification<State, Call, Answer>,
): State[] {
  const finals = new Map<string, State>();
  const visited = new Set<string>();
  const done = new Set<number>();

  function search(state: State): void {
    const visit = `${[...done].sort((a, b) => a - b).join()} ${keyOf(state)}`;
    if (visited.has(visit)) return;
    visited.add(visit);

    const open = [...history.entries()].filter(([index]) => !done.has(index));
    if (open.every(([, { ended }]) => !ended)) finals.set(keyOf(state), state);

    const firstEndAt = Math.min(...open.map(([, { ended }]) => ended?.at ?? Infinity));
    for (const [index, { call, startedAt, ended }] of open) {
      if (startedAt > firstEndAt) continue;
      done.add(index);
      for (const after of next(state, call, ended?.answer)) search(after);
      done.delete(index);
    }
  }

  search(initial);
  return [...finals.values()];
}
