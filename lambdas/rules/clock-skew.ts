/**
 * Thrown by a function whose clock is wrong, or whose time of a request is, so that it confirms
 * nothing. Three clocks are compared: the function's, the API's in each event, and DynamoDB's in each
 * of its answers.
 */
export class ClockSkew extends Error {
  override readonly name = "ClockSkew";
  readonly code = "clock_skew";
  /** How far the first clock is ahead, milliseconds; negative: behind; NaN: it said nothing. */
  readonly differenceMs: number;

  constructor(differenceMs: number, clocks: string) {
    super(`${clocks} differ by ${differenceMs} ms`);
    this.differenceMs = differenceMs;
  }
}

/** What one clock may be off, milliseconds. */
const clockToleranceMs = 2_000;

/** What two clocks may differ by, milliseconds: the right that an answer names allows for it. */
export const clockAllowanceMs = 2 * clockToleranceMs;

/** A cold start may delay the function's first reading. Lambda ends one after 10 s. */
const coldStartMs = 10_000;

/** DynamoDB's `Date` is truncated to the second. */
const dateStepMs = 1_000;

export type RequestTime = {
  /** When the API received the request, epoch milliseconds: the time of everything that is written. */
  nowMs: number;
  /** By how much the API's time was earlier than clocks explain, milliseconds. */
  uncertainMs: number;
};

/**
 * The time of a request is the API's. It is later than the sending and earlier than any write, so a
 * right that counts from the sending ends before the lease.
 *
 * @param functionMs the function's clock when it began, epoch milliseconds
 * @param receivedMs what the API says, likewise
 * @param isFirst whether it is the function's first request
 * @throws ClockSkew if the API's time is missing, or differs by more than is explained
 */
export function requestTime(
  functionMs: number,
  receivedMs: number | undefined,
  isFirst: boolean,
): RequestTime {
  const aheadMs = functionMs - (receivedMs ?? Number.NaN);
  const isExplained =
    aheadMs >= -clockToleranceMs && aheadMs <= (isFirst ? coldStartMs : clockToleranceMs);
  if (receivedMs === undefined || !isExplained) {
    throw new ClockSkew(aheadMs, "The function's clock and the API's");
  }
  return { nowMs: receivedMs, uncertainMs: aheadMs > clockToleranceMs ? aheadMs : 0 };
}

/**
 * What the `Date` of an answer proves about the function's clock. The date was written at some
 * moment during the exchange.
 *
 * @param sentMs when the request was sent, by the function's clock, epoch milliseconds
 * @param receivedMs when the answer arrived, likewise
 * @param dateMs the `Date` of the answer, epoch milliseconds
 * @returns the least by which the function's clock must be ahead (negative: behind); 0 if within
 *   tolerance
 */
export function provenDifferenceMs(sentMs: number, receivedMs: number, dateMs: number): number {
  const aheadMs = sentMs - (dateMs + dateStepMs);
  if (aheadMs > clockToleranceMs) return aheadMs;
  const behindMs = receivedMs - dateMs;
  return behindMs < -clockToleranceMs ? behindMs : 0;
}

/**
 * @param nowMs the time of a request, epoch milliseconds
 * @param dateMs the `Date` of an answer of DynamoDB to it
 * @throws ClockSkew if the request has a time that is yet to come
 */
export function checkAgainstDate(nowMs: number, dateMs: number): void {
  const aheadMs = nowMs - dateMs;
  if (aheadMs > clockToleranceMs + dateStepMs)
    throw new ClockSkew(aheadMs, "The API's clock and DynamoDB's");
}
