import type { Choices } from "./choices.ts";
import type { DisturbanceKind } from "./disturbances.ts";
import type { Scheduler } from "./scheduler.ts";

/** What every part of a world uses. */
export type WorldContext = {
  scheduler: Scheduler;
  choices: Choices;
  /** The true time at the start of the world, epoch milliseconds. */
  epochMs: number;
  /** The setting `multiSymbolSessions`; without it every symbol is the session `*`. */
  isOfManySymbols: boolean;
  /** How far clocks may be off that nothing is wrong with, and how much faster or slower they run. */
  clocks: { offMs: number; drift: number };
  /**
   * Whether that happens here. Never, once the faults have stopped.
   *
   * @param whose in whose line of the timeline it stands; in none if not given
   */
  happens(kind: DisturbanceKind, name: string, whose?: string): boolean;
  /** The given time, cut off shortly after the storm, so that no fault outlasts it by much. */
  untilCalm(ms: number): number;
  /** Run when the world is over: ends what would keep it in memory. */
  leftBehind: Set<() => void>;
  /** A line of the timeline. Written only when somebody will read it. */
  note(who: string, what: () => string): void;
};

/** Reports a broken promise: its rule, and what was seen. */
export type Fail = (rule: string, what: string) => void;

/** The true time, epoch milliseconds. */
export function trueMs({ epochMs, scheduler }: WorldContext): number {
  return epochMs + scheduler.nowMs();
}
