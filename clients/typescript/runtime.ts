/** What came of one request: an answer of some kind, or none. */
export type Exchange =
  | { status: number /** `undefined` if it was no JSON. */; body: unknown }
  | { problem: string };

/** The world outside of the client. The tests bring one with a clock of its own. */
export type Runtime = {
  /** Milliseconds that only ever grow, also while the machine is asleep. No wall clock. */
  nowMs(): number;
  /** From 0 up to 1. */
  random(): number;
  /** Resolves at the instant or when the signal fires, whichever is first. Never rejects. */
  pause(untilMs: number, signal: AbortSignal, mode: PauseMode): Promise<void>;
  /** Posts JSON text and resolves by the instant, or when the signal fires. Never rejects. */
  exchange(path: string, text: string, untilMs: number, signal: AbortSignal): Promise<Exchange>;
};

/** A pause keeps the process alive only while the program itself waits for it. */
export type PauseMode = "keeps alive" | "lets exit";

export const noAnswerInTime = "no_answer_in_time";

/** Fires never: for what has an end of its own. */
export const neverAborted: AbortSignal = new AbortController().signal;
