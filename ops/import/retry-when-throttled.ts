import { setTimeout as wait } from "node:timers/promises";

const throttles = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
];
const longestWaitMs = 20_000;
const mostAttempts = 12;

/**
 * Retries the work when DynamoDB throttles and the SDK's own attempts are used up. The pauses
 * double from 0.2 s to 20 s, with jitter so that the writers don't retry in step. Gives up after
 * about two minutes.
 */
export async function retryWhenThrottled<Result>(
  work: () => Promise<Result>,
  stop: AbortSignal,
  onWait: () => void,
): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const throttled = error instanceof Error && throttles.includes(error.name);
      if (!throttled || attempt === mostAttempts || stop.aborted) throw error;
      onWait();
      const pauseMs = Math.min(longestWaitMs, 200 * 2 ** (attempt - 1));
      await wait(pauseMs * (0.5 + Math.random() / 2), undefined, { signal: stop });
    }
  }
}
