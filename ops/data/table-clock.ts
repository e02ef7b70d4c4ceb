/** The time of the table, by which everything that is stored or compared is judged. */
export type TableClock = {
  /** Epoch milliseconds; by this machine's clock until the table has answered. */
  nowMs(): number;
  /** Takes the time from the `Date` of an answer. */
  learn(date: string | undefined): void;
};

/**
 * A clock that is set by the answers of the table, to the second, and runs on in between. So it does
 * not matter whether the clock of the operator's machine is right.
 */
export function openTableClock(): TableClock {
  let offsetMs: number | undefined;
  return {
    nowMs: () => (offsetMs === undefined ? Date.now() : Math.floor(performance.now() + offsetMs)),
    learn(date) {
      const dateMs = Date.parse(date ?? "");
      if (!Number.isNaN(dateMs)) offsetMs = dateMs - performance.now();
    },
  };
}
