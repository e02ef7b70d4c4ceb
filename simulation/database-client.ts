import type { DisturbanceKind } from "./disturbances.ts";
import type { CommandInput, MemoryTable, Output } from "./memory-table.ts";
import type { Actor } from "./scheduler.ts";
import type { Sources } from "./sources.ts";
import { trueMs, type WorldContext } from "./world-context.ts";

/** A call of the table on its way through the SDK, for one request. */
export type RequestUnderWay = {
  /** Stays the same whatever else happens in the world. */
  name: string;
  calls: number;
  /** How many of its writes were applied, and their answers have not come. */
  unheard: number;
  /** Once it is answered, the SDK sends nothing more. */
  answered: boolean;
  /** The `Date` of the latest answer to the call that is under way. */
  dateMs?: number | undefined;
};

type DatabaseClientParts = {
  context: WorldContext;
  table: MemoryTable;
  actor: Actor;
  isDown: () => boolean;
  requestUnderWay: () => RequestUnderWay;
  /** The clock of the instance, epoch milliseconds. */
  now: () => number;
  skew: Pick<Sources, "provenDifferenceMs" | "checkAgainstDate">;
};

type Command = { input: object; constructor: { name: string } };
type CallOptions = { requestMs?: number };

const attempts = 3;
const requestTimeoutMs = 1_000;

/**
 * Replaces the SDK's client in an instance of a function. Calls go to the model of the table over a
 * simulated network, with the SDK's retries and timeouts (see `lambdas/`).
 */
export function createDatabaseClient({
  context,
  table,
  actor,
  isDown,
  requestUnderWay,
  now,
  skew: { provenDifferenceMs, checkAgainstDate },
}: DatabaseClientParts) {
  const { scheduler, choices } = context;
  let skewMs = 0;

  /** @param requestMs the time of the request that the call is for; earlier versions do without */
  async function send(command: Command, { requestMs }: CallOptions = {}): Promise<Output> {
    const request = requestUnderWay();
    request.dateMs = undefined;
    try {
      if (skewMs !== 0) {
        // Asks for the time, as `lambdas/store/dynamodb-client.ts` does.
        await exchange(request, { input: {}, constructor: { name: "Probe" } }).catch(() => {});
        checkOwnClock();
      }
      return await exchange(request, command);
    } finally {
      // As `lambdas/store/dynamodb-client.ts` does.
      if (requestMs !== undefined && request.dateMs !== undefined) {
        checkAgainstDate(requestMs, request.dateMs);
        checkOwnClock();
      }
    }
  }

  function checkOwnClock(): void {
    if (skewMs !== 0) throw namedError("ClockSkew");
  }

  async function exchange(request: RequestUnderWay, command: Command): Promise<Output> {
    const call = `${request.name}.${++request.calls}`;
    for (let number = 1; ; number++) {
      const result = await attempt(`${call}/${number}`, command, request);
      if ("output" in result) return result.output;
      if (!result.again || number === attempts) throw result.error;
      const waitMs = choices.between(`${call}/${number} backoff`, 10, 100 * 2 ** number);
      await scheduler.pause(waitMs, actor);
      if (request.answered) throw new Error("aborted");
    }
  }

  function attempt(
    name: string,
    command: Command,
    request: RequestUnderWay,
  ): Promise<{ output: Output } | { error: unknown; again: boolean }> {
    const operation = command.constructor.name.replace(/Command$/, "");
    const happens = (kind: DisturbanceKind) => context.happens(kind, name, "table");
    return new Promise((resolve) => {
      const sentMs = now();
      let settled = false;
      const settle = (result: Parameters<typeof resolve>[0]) => {
        settled = true;
        resolve(result);
      };
      /** An answer of the table. Its `Date` is of the moment at which it is sent. */
      const answer = (afterMs: number, result: () => Parameters<typeof resolve>[0]) => {
        const dateMs = Math.floor((trueMs(context) + afterMs) / 1_000) * 1_000;
        scheduler.after(afterMs, actor, () => {
          if (settled) return;
          request.dateMs = dateMs;
          skewMs = provenDifferenceMs(sentMs, now(), dateMs);
          settle(result());
        });
      };
      const fail = (afterMs: number, problem: string) =>
        answer(afterMs, () => ({ error: namedError(problem), again: true }));
      scheduler.after(requestTimeoutMs, actor, () =>
        settle({ error: namedError("TimeoutError"), again: true }),
      );

      let thereMs = choices.between(`${name} there`, 1, 6);
      const backMs = choices.between(`${name} back`, 1, 6);
      if (isDown() || happens("table fails")) return fail(thereMs + backMs, "InternalServerError");
      if (happens("table throttles")) return fail(thereMs + backMs, "ThrottlingException");
      if (happens("table slow")) thereMs = choices.spread(`${name} slow`, 50, 3_000);
      if (happens("write late"))
        thereMs = context.untilCalm(choices.spread(`${name} late`, 1_000, 90_000));
      const isLate = thereMs > requestTimeoutMs;
      scheduler.after(thereMs, undefined, () => {
        if (isLate) context.note("table", () => `now gets what was sent as ${name}`);
        try {
          const output =
            operation === "Probe"
              ? {}
              : table.perform(operation, command.input as CommandInput, request.name);
          if (operation === "UpdateItem") request.unheard++;
          if (happens("table answer lost")) return;
          if (happens("table fails after the write")) return fail(backMs, "InternalServerError");
          answer(backMs, () => {
            if (operation === "UpdateItem") request.unheard--;
            return { output };
          });
        } catch (error) {
          answer(backMs, () => ({ error, again: false }));
        }
      });
    });
  }

  return { send };
}

function namedError(name: string): Error {
  return Object.assign(new Error(name), { name });
}
