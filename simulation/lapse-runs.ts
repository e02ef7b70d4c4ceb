import type { PutEventsCommand } from "@aws-sdk/client-eventbridge";
import type { LapseChecks } from "./check-lapses.ts";
import type { MemoryTable, ScanInput } from "./memory-table.ts";
import { seconds } from "./simulated-service.ts";
import type { Sources } from "./sources.ts";
import type { Fail, WorldContext } from "./world-context.ts";

/** Lambda repeats a scheduled run that failed twice, after one minute and after two. */
const attempts = 3;

const failure = "LapseRunFails";

/** The function that reports lapsed sessions, run as EventBridge runs it: late, twice, or again. */
export function createLapseRuns(
  context: WorldContext,
  { lapseReporter }: Pick<Sources, "lapseReporter">,
  table: MemoryTable,
  checks: LapseChecks,
  fail: Fail,
) {
  const { scheduler, choices } = context;

  return {
    /** The run that is scheduled for now. */
    liveMinute(minute: number): void {
      const name = `${minute}`;
      const begin = (run: string, lateMs: number) =>
        scheduler.after(lateMs, undefined, () => {
          void attempt(run, minute * 60_000, 1);
        });
      const lateMs = context.happens("lapse run late", name)
        ? choices.spread(`lapse run ${name} late by`, 1_000, 300_000)
        : choices.between(`lapse run ${name} begins`, 0, 10_000);
      begin(name, lateMs);
      if (context.happens("lapse run twice", name))
        begin(`${name} again`, lateMs + choices.spread(`lapse run ${name} again`, 100, 120_000));
    },
  };

  async function attempt(name: string, scheduledMs: number, number: number): Promise<void> {
    const run = checks.begin(scheduledMs);
    const full = `lapse run ${name} attempt ${number}`;
    const fails = number < attempts && context.happens("lapse run fails", `${name} ${number}`);
    const failsAt = fails ? choices.oneOf(`${full} fails at`, [1, 9, "put"]) : undefined;
    let calls = 0;
    let hasFailed = false;
    /** @returns whether it fails */
    const call = async (kind?: "put"): Promise<boolean> => {
      const its = ++calls;
      await scheduler.pause(choices.spread(`${full} call ${its}`, 1, 200), undefined);
      const failsNow = its === failsAt || (kind !== undefined && kind === failsAt);
      hasFailed ||= failsNow;
      return failsNow;
    };
    const report = lapseReporter({
      tables: clientOf(async ({ input }: { input: ScanInput }) => {
        if (await call()) throw new Error(failure);
        return table.scan(input);
      }),
      events: clientOf(async ({ input: { Entries = [] } }: PutEventsCommand) => {
        const isRefused = await call("put");
        // Of a call that fails the bus may have accepted some events.
        const accepted = isRefused ? Entries.slice(0, Entries.length / 2) : Entries;
        for (const { Detail = "" } of accepted) {
          context.note("bus", () => JSON.parse(Detail).sentence);
          checks.put(run, JSON.parse(Detail));
        }
        return { FailedEntryCount: Entries.length - accepted.length };
      }),
      tableName: "Sessions",
      eventBusName: "events",
    });
    const time = new Date(context.epochMs + scheduledMs).toISOString();
    try {
      await report({ time });
      checks.done(run);
    } catch (error) {
      const { message } = error as Error;
      if (!hasFailed) return fail("no error but those of the world", `${full}: ${message}`);
      const againMs = number * 60_000;
      context.note("lapse run", () => `${full} fails, and is repeated in ${seconds(againMs)}`);
      scheduler.after(againMs, undefined, () => {
        void attempt(name, scheduledMs, number + 1);
      });
    }
  }
}

/** Answers the one command that the function sends it, and has nothing else of a client. */
function clientOf<Client>(send: (command: never) => Promise<unknown>): Client {
  return { send } as Client;
}
