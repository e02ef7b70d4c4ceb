/** The timing of a session, derived from what the service named. */
export type Timing = {
  /** How long a confirmed request gives a right to the session, counted from its sending. */
  rightMs: number;
  heartbeatIntervalMs: number;
  requestTimeoutMs: number;
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

/** @throws RangeError. A negative margin, for example, would extend the right beyond the session */
export function checkTimes(
  options: TimingOptions & {
    openWithinMs?: number | undefined;
    waitWithinMs?: number | undefined;
  },
): void {
  const { marginMs = 0, requestTimeoutMs = 1, openWithinMs = 0, waitWithinMs = 0 } = options;
  if (!(marginMs >= 0 && marginMs < Infinity))
    throw new RangeError(`marginMs is ${marginMs}: it must be 0 or more, and finite`);
  if (!(requestTimeoutMs > 0 && requestTimeoutMs < Infinity))
    throw new RangeError(`requestTimeoutMs is ${requestTimeoutMs}: it must be positive and finite`);
  if (!(openWithinMs >= 0))
    throw new RangeError(`openWithinMs is ${openWithinMs}: it must be 0 or more`);
  if (!(waitWithinMs >= 0))
    throw new RangeError(`waitWithinMs is ${waitWithinMs}: it must be 0 or more`);
}

export function timingOf(
  sessionTimeoutMs: number,
  namedIntervalMs: number,
  { marginMs, requestTimeoutMs = defaultRequestTimeoutMs }: TimingOptions,
): Timing {
  const wantedMarginMs = marginMs ?? Math.min(5_000, sessionTimeoutMs / 6);
  const actualMarginMs = Math.min(wantedMarginMs, sessionTimeoutMs / 2);
  const rightMs = Math.floor(sessionTimeoutMs - actualMarginMs);
  const requestMs = Math.floor(Math.min(requestTimeoutMs, rightMs / 3));
  return {
    rightMs,
    heartbeatIntervalMs: Math.floor(Math.min(namedIntervalMs, sessionTimeoutMs / 3)),
    requestTimeoutMs: requestMs,
    askWithinMs: Math.min(10_000, rightMs),
    oversleptAfterMs: Math.min(1_000, Math.floor(rightMs / 5)),
    // Clocks tick in steps and are slewed, so a difference below 0.1 s means nothing.
    clocksPartedAfterMs: Math.max(100, Math.min(1_000, Math.floor(actualMarginMs))),
    reportWithinMs: Math.min(1_000, Math.floor(requestMs / 2)),
  };
}

/** Up to a tenth early, so that bots that started together spread out. */
export function heartbeatDelayMs(intervalMs: number, random: number): number {
  return Math.floor(intervalMs * (1 - 0.1 * random));
}

/** At an interval of 20 s: half a second, then doubling up to 4 s. */
export function retryDelayMs(failures: number, intervalMs: number, random: number): number {
  const delayMs = Math.min((intervalMs / 40) * 2 ** (failures - 1), intervalMs / 5);
  return Math.floor(delayMs * (1 - 0.5 * random));
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
