/** The timing of a session, derived from what the service named. */
export type Timing = {
  /** How long a confirmed request gives a right to the session, counted from its sending. */
  rightMs: number;
  heartbeatIntervalMs: number;
  requestTimeoutMs: number;
  /** The time limit of a heartbeat after one that was not answered in time. */
  longestRequestMs: number;
  /** How long to ask whether the session still exists after oversleeping. */
  askWithinMs: number;
  /** A timer that is later than this means that the process was asleep or stuck. */
  oversleptAfterMs: number;
  /** If the wall clock gains this much on the monotonic one, that one may have stood still. */
  clocksPartedAfterMs: number;
  /** How long a heartbeat waits for its report. */
  reportWithinMs: number;
};

export type TimingOptions = {
  marginMs?: number | undefined;
  requestTimeoutMs?: number | undefined;
};

export const defaultRequestTimeoutMs = 5_000;

/** Used until the service has named an interval. */
export const openingIntervalMs = 20_000;

/** @throws TypeError or RangeError that names the option, what was given and what is expected */
export function checkTimes(
  options: TimingOptions & {
    openWithinMs?: number | undefined;
    waitWithinMs?: number | undefined;
  },
): void {
  const { marginMs, requestTimeoutMs, openWithinMs, waitWithinMs } = options;
  const orMore = "0 or more milliseconds";
  checkTime("marginMs", marginMs, `${orMore}, and finite`, (ms) => ms >= 0 && ms < Infinity);
  const positive = "more than 0 milliseconds, and finite";
  checkTime("requestTimeoutMs", requestTimeoutMs, positive, (ms) => ms > 0 && ms < Infinity);
  checkTime("openWithinMs", openWithinMs, orMore, (ms) => ms >= 0);
  checkTime("waitWithinMs", waitWithinMs, orMore, (ms) => ms >= 0);
}

function checkTime(
  name: string,
  value: unknown,
  expected: string,
  isExpected: (ms: number) => boolean,
): void {
  if (value === undefined) return;
  // A text would pass every comparison, and fail in the middle of the opening.
  if (typeof value !== "number")
    throw new TypeError(`${name} is ${JSON.stringify(value)}: it must be a number, of ${expected}`);
  if (!isExpected(value)) throw new RangeError(`${name} is ${value}: it must be ${expected}`);
}

/** @param heldForMs how long the service says that the right lasts */
export function timingOf(
  sessionTimeoutMs: number,
  heldForMs: number,
  namedIntervalMs: number,
  { marginMs = 0, requestTimeoutMs = defaultRequestTimeoutMs }: TimingOptions,
): Timing {
  const chosenMs = Math.max(sessionTimeoutMs - marginMs, sessionTimeoutMs / 2);
  const rightMs = Math.floor(Math.min(heldForMs, chosenMs));
  const requestMs = Math.floor(Math.min(requestTimeoutMs, rightMs / 3));
  return {
    rightMs,
    heartbeatIntervalMs: Math.floor(Math.min(namedIntervalMs, sessionTimeoutMs / 3)),
    requestTimeoutMs: requestMs,
    longestRequestMs: Math.floor(Math.min(2 * requestTimeoutMs, rightMs / 3)),
    askWithinMs: Math.min(10_000, rightMs),
    oversleptAfterMs: Math.min(1_000, Math.floor(rightMs / 5)),
    // Clocks tick in steps and are slewed, so a difference below 0.1 s means nothing.
    clocksPartedAfterMs: Math.max(100, Math.min(1_000, Math.floor(sessionTimeoutMs - rightMs))),
    reportWithinMs: Math.min(1_000, Math.floor(requestMs / 2)),
  };
}

/** Up to a tenth early, so that bots that started together spread out. */
export function heartbeatDelayMs(intervalMs: number, random: number): number {
  return Math.floor(intervalMs * (1 - 0.1 * random));
}

/** At an interval of 20 s: 1 s, then doubling up to 4 s. */
export function retryDelayMs(failures: number, intervalMs: number, random: number): number {
  const firstMs = Math.min(1_000, intervalMs / 10);
  const delayMs = Math.min(firstMs * 2 ** (failures - 1), intervalMs / 5);
  return Math.floor(delayMs * (1 - 0.5 * random));
}

/**
 * The time limit of an opening's next attempt: on a slow line, a longer one may succeed.
 *
 * @param unanswered how many attempts in a row were not answered in time
 */
export function attemptTimeoutMs(requestTimeoutMs: number, unanswered: number): number {
  return requestTimeoutMs * 2 ** Math.min(unanswered, 2);
}

/** About every 5 s, because a release may come at any time; sooner if the named wait is over. */
export function pollDelayMs(waitSeconds: number | undefined, random: number): number {
  const pollMs = Math.floor(5_000 * (0.8 + 0.4 * random));
  return Math.max(1_000, Math.min(pollMs, (waitSeconds ?? Infinity) * 1_000));
}

/**
 * When to retry: after the delay, or later if the answer asks for it, but early enough for one more
 * full request before the end.
 */
export function retryAtMs(
  nowMs: number,
  delayMs: number,
  retryAfterMs: number | undefined,
  { endsMs, requestTimeoutMs }: { endsMs: number; requestTimeoutMs: number },
): number {
  const askedForMs = Math.min(nowMs + (retryAfterMs ?? 0), endsMs - requestTimeoutMs);
  return Math.max(nowMs + delayMs, askedForMs);
}
