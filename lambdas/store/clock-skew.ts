/**
 * Thrown by a function whose clock is wrong, so that it decides nothing. It is compared with two
 * other clocks: the API's, in each event, and DynamoDB's, in each of its answers.
 */
export class ClockSkew extends Error {
  override readonly name = "ClockSkew";
  readonly code = "clock_skew";
  /** How far the function's clock is ahead, milliseconds; negative: behind. */
  readonly differenceMs: number;

  constructor(differenceMs: number, clock: string) {
    super(`The function's clock differs from ${clock} by ${differenceMs} ms`);
    this.differenceMs = differenceMs;
  }
}

/** A smaller difference is tolerated: the margin of the clients covers it. */
const toleranceMs = 2_000;

/** A cold start can delay the function's reading after the API's. Lambda ends one after 10 s. */
const coldStartMs = 10_000;

/**
 * @param nowMs the function's clock at the start of the request, epoch milliseconds
 * @param receivedByApiMs when the API received the request by its clock, epoch milliseconds
 * @throws ClockSkew if the function's clock is behind, or further ahead than a cold start explains
 */
export function checkAgainstApi(nowMs: number, receivedByApiMs: number): void {
  const differenceMs = nowMs - receivedByApiMs;
  if (differenceMs < -toleranceMs || differenceMs > coldStartMs) {
    throw new ClockSkew(differenceMs, "the API's");
  }
}

/**
 * What the `Date` of an answer proves about the function's clock. The date was written at some
 * moment during the exchange and is truncated to the second.
 *
 * @param sentMs when the request was sent, by the function's clock, epoch milliseconds
 * @param receivedMs when the answer arrived, likewise
 * @param dateMs the `Date` of the answer, epoch milliseconds
 * @returns the least by which the function's clock must be ahead (negative: behind); 0 if within
 *   tolerance
 */
export function provenDifferenceMs(sentMs: number, receivedMs: number, dateMs: number): number {
  const aheadMs = sentMs - (dateMs + 1_000);
  if (aheadMs > toleranceMs) return aheadMs;
  const behindMs = receivedMs - dateMs;
  return behindMs < -toleranceMs ? behindMs : 0;
}
