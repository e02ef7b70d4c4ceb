import type { Stage } from "./stage.ts";

/** One thing that a program is examined for. */
export type Case = {
  name: string;
  /** The section of docs/bots.md that it is about, as its anchor. */
  section: string;
  /** What the program must do, in a sentence. */
  shows: string;
  /** Every rule of form and of timing is judged as well. */
  strict?: true;
  /** Monotonic clocks that can stand still, which take Linux and a C compiler. */
  needsStillClock?: true;
  /** Signals to the program, which Windows has not. */
  needsSignals?: true;
  play(stage: Stage): Promise<void>;
};
