import type { ClaimName } from "./claim-names.ts";

/** The outcome of one request: an answer of any kind, or none. */
export type Exchange = Answer | NoAnswer;

export type Answer = {
  status: number;
  /** The body as it came. */
  text: string;
  /** By lower-case name. In a browser, only those that it exposes. */
  headers: Readonly<Record<string, string>>;
};

/** The request may have been carried out all the same, whatever the problem is called. */
export type NoAnswer = {
  problem: string;
  cause?: unknown;
  /** Set if no other attempt can succeed either, as with an expired certificate. */
  lasting?: boolean;
};

/** A reading of both clocks. */
export type Instant = { nowMs: number; wallMs: number };

/** The environment of the client. Tests and the simulation supply one with virtual time. */
export type Runtime = {
  /** A monotonic clock in milliseconds that also counts sleep. All times refer to it. */
  nowMs(): number;
  /**
   * The wall clock, in milliseconds since 1970, which may be set. It decides nothing by itself. But
   * if it gains on the monotonic clock, that one may have stood still, as in a paused virtual
   * machine, and the client then asks the service.
   */
  wallMs(): number;
  /** From 0 up to 1. */
  random(): number;
  /** A new id for each request: 16 to 64 hex characters. */
  randomId(): string;
  /** The name of a new opening: one run per process, numbered from 1. */
  nextClaimName(): ClaimName;
  /**
   * Resolves at `untilMs` or when the signal fires, whichever comes first; may resolve earlier if
   * the two clocks have parted. Always lets other events of the process come first, unless the
   * signal has fired. Never rejects.
   */
  pause(untilMs: number, signal: AbortSignal, mode: PauseMode): Promise<void>;
  /**
   * Posts JSON text to a path below the service's address. Resolves by `untilMs` or when the signal
   * fires; a request that has not been sent by then is never sent. Never rejects.
   *
   * @param mode "lets exit" by default
   */
  exchange(
    path: string,
    text: string,
    untilMs: number,
    signal: AbortSignal,
    mode?: PauseMode,
  ): Promise<Exchange>;
};

/** A pause or an exchange keeps the process alive only while the program itself waits for it. */
export type PauseMode = "keeps alive" | "lets exit";

export const noAnswerInTime = "no_answer_in_time";

/** Never fires; for requests that are limited by time only. */
export const neverAborted: AbortSignal = new AbortController().signal;

export function readClocks(runtime: Runtime): Instant {
  return { nowMs: runtime.nowMs(), wallMs: runtime.wallMs() };
}

/** How far the wall clock is ahead of the monotonic one. */
export function wallLeadMs({ nowMs, wallMs }: Instant): number {
  return wallMs - nowMs;
}
