/** What came of one request: an answer of whatever kind, or none. */
export type Exchange = Answer | NoAnswer;

export type Answer = {
  status: number;
  /** The body as it came. */
  text: string;
  /** By lower-case name; only those a browser shows, where the client runs in one. */
  headers: Readonly<Record<string, string>>;
};

export type NoAnswer = {
  problem: string;
  cause?: unknown;
  /** True if the request surely never left this machine: then it can't have been carried out. */
  unsent?: boolean;
};

/** One look at both clocks. */
export type Instant = { nowMs: number; wallMs: number };

/** The world outside of the client. Tests and the simulation bring one with a time of its own. */
export type Runtime = {
  /** Milliseconds that only ever grow, also while the machine is asleep. All times are of this clock. */
  nowMs(): number;
  /**
   * Milliseconds since 1970, which people and time servers set. It decides nothing on its own: if it
   * moves on by more than the other clock, that one may have stood still, as in a paused virtual
   * machine, and the client asks the service.
   */
  wallMs(): number;
  /** From 0 up to 1. */
  random(): number;
  /** A new id each time, 16 to 64 characters of hex: of one request. */
  randomId(): string;
  /** The id of a new claim; those of one process are in their order. */
  nextClaimId(): string;
  /**
   * Resolves at the instant or when the signal fires, whichever is first, and may resolve earlier
   * when the two clocks have parted. Never rejects.
   */
  pause(untilMs: number, signal: AbortSignal, mode: PauseMode): Promise<void>;
  /**
   * Posts JSON text to a path below the address of the service. Resolves by the instant, or when
   * the signal fires; a request that was not sent by then is never sent. Never rejects.
   */
  exchange(path: string, text: string, untilMs: number, signal: AbortSignal): Promise<Exchange>;
};

/** A pause keeps the process alive only while the program itself waits for it. */
export type PauseMode = "keeps alive" | "lets exit";

export const noAnswerInTime = "no_answer_in_time";

/** Never fires: for requests that have an end of their own. */
export const neverAborted: AbortSignal = new AbortController().signal;

export function readClocks(runtime: Runtime): Instant {
  return { nowMs: runtime.nowMs(), wallMs: runtime.wallMs() };
}

/** How far the wall clock is ahead of the other one. */
export function wallLeadMs({ nowMs, wallMs }: Instant): number {
  return wallMs - nowMs;
}
