import { setImmediate } from "node:timers/promises";

/** What comes first of what is due at the same instant. */
type Rank = "program" | "timer" | "answer" | "probe";

const ranks: readonly Rank[] = ["program", "timer", "answer", "probe"];

type Due = { plannedMs: number; rank: Rank; run: () => void };

/** Time that passes only from one thing to do to the next, and in sleep with none of them done. */
export function createTimeline(asleep: readonly (readonly [fromMs: number, toMs: number])[]) {
  let nowMs = 0;
  let due: Due[] = [];

  return {
    nowMs: () => nowMs,
    /** @returns what takes it back */
    schedule(plannedMs: number, rank: Rank, run: () => void): () => void {
      const entry = { plannedMs: Math.max(plannedMs, nowMs), rank, run };
      due.push(entry);
      return () => {
        due = due.filter((other) => other !== entry);
      };
    },
    /** Until there is nothing left to do. */
    async run(): Promise<void> {
      for (let steps = 0; steps < 10_000; steps++) {
        await setImmediate();
        const next = due.toSorted(byTime)[0];
        if (!next) return;
        due = due.filter((other) => other !== next);
        nowMs = Math.max(nowMs, awakeAt(next.plannedMs));
        next.run();
      }
      throw new Error("It does not come to an end");
    },
  };

  function byTime(a: Due, b: Due): number {
    return a.plannedMs - b.plannedMs || ranks.indexOf(a.rank) - ranks.indexOf(b.rank);
  }

  function awakeAt(plannedMs: number): number {
    const sleep = asleep.find(([fromMs, toMs]) => plannedMs > fromMs && plannedMs < toMs);
    return sleep ? sleep[1] : plannedMs;
  }
}

export type Timeline = ReturnType<typeof createTimeline>;
