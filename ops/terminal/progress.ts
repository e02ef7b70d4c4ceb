import type { CommandContext } from "./command-context.ts";

type Progress = {
  /** Shows the progress, at most five times a second. */
  report(text: string): void;
  /** Removes the progress line. */
  end(): void;
};

/** A progress line on a terminal, shown once a verb has taken a second. */
export function startProgress({ messages }: Pick<CommandContext, "messages">): Progress {
  let nextAtMs = performance.now() + 1_000;
  let shown = false;
  return {
    report(text) {
      if (!messages.isTTY || performance.now() < nextAtMs) return;
      nextAtMs = performance.now() + 200;
      shown = true;
      messages.status(text);
    },
    end() {
      if (shown) messages.status("");
      shown = false;
    },
  };
}

/** How much is done, how fast, and how long it will take: `60 of 400 rows (15%), 30 rows/s, 12 s left`. */
export function shareText(done: number, all: number, elapsedMs: number): string {
  const perSecond = (done * 1000) / Math.max(1, elapsedMs);
  const share = `${done} of ${all} rows (${Math.floor((100 * done) / Math.max(1, all))}%)`;
  if (done === 0) return `${share}, 0 rows/s, ...`;
  const secondsLeft = Math.ceil((all - done) / perSecond);
  const left = secondsLeft < 120 ? `${secondsLeft} s` : `${Math.ceil(secondsLeft / 60)} min`;
  return `${share}, ${Math.round(perSecond)} rows/s, ${left} left`;
}
