const minuteMs = 60_000;

/**
 * Runs at each full minute, as a rule of EventBridge does.
 *
 * @param run called with the event of the minute
 */
export function startSchedule(run: (event: { time: string }) => void): Disposable {
  let timer: NodeJS.Timeout;
  const arm = (dueMs: number) => {
    timer = setTimeout(() => {
      // A timer may be early, and a machine that slept has missed some.
      if (Date.now() < dueMs) return arm(dueMs);
      run({ time: new Date(Math.floor(Date.now() / minuteMs) * minuteMs).toISOString() });
      arm((Math.floor(Date.now() / minuteMs) + 1) * minuteMs);
    }, dueMs - Date.now());
  };
  arm((Math.floor(Date.now() / minuteMs) + 1) * minuteMs);
  return { [Symbol.dispose]: () => clearTimeout(timer) };
}
