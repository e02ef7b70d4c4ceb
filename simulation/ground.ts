import type { Choices } from "./choices.ts";
import type { Scheduler } from "./scheduler.ts";
import type { DepartureKind } from "./weather.ts";

/** What every part of a world stands on. */
export type Ground = {
  scheduler: Scheduler;
  choices: Choices;
  /** The true time at the start of the world, epoch milliseconds. */
  epochMs: number;
  /** Whether that happens here. Never, once the faults have stopped. */
  departs(kind: DepartureKind, name: string): boolean;
  /** That long, but no longer than a moment after the storm: nothing outlasts the faults by much. */
  untilCalm(ms: number): number;
  /** A line of the timeline. Written only when somebody will read it. */
  note(who: string, what: () => string): void;
};

/** The true time, epoch milliseconds. */
export function trueMs({ epochMs, scheduler }: Ground): number {
  return epochMs + scheduler.nowMs();
}
