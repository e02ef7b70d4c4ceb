const minuteMs = 60_000;

export type Schedule = Disposable;

/** The clock and the timers. Tests bring their own. */
type ScheduleClock = {
  nowMs(): number;
  after(milliseconds: number, run: () => void): () => void;
};

const realClock: ScheduleClock = {
  nowMs: Date.now,
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    return () => clearTimeout(timer);
  },
};

/**
 * Runs at each full minute, as a rule of EventBridge does.
 *
 * @param run called with the event of the minute
 */
export function startSchedule(
  run: (event: { time: string }) => void,
  { nowMs, after }: ScheduleClock = realClock,
): Schedule {
  let cancel = () => {};
  const arm = (dueMs: number) => {
    cancel = after(dueMs - nowMs(), () => {
      // A timer may be early, and a machine that slept has missed some.
      if (nowMs() < dueMs) return arm(dueMs);
      run({ time: new Date(Math.floor(nowMs() / minuteMs) * minuteMs).toISOString() });
      arm((Math.floor(nowMs() / minuteMs) + 1) * minuteMs);
    });
  };
  arm((Math.floor(nowMs() / minuteMs) + 1) * minuteMs);
  return { [Symbol.dispose]: () => cancel() };
}
