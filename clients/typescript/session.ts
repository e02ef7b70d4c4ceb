import type { End } from "./errors.ts";

/** What a heartbeat tells of the bot. What is left out stays as it was stored. */
export type BotReport = {
  /** At most 64 characters. */
  botVersion?: string | undefined;
  /** At most 64 characters. */
  status?: string | undefined;
  /** At most 1,024 bytes as JSON. */
  metadata?: Record<string, unknown> | undefined;
};

export type SessionOptions = {
  /** Where the service is, as `https://abc.execute-api.eu-central-1.amazonaws.com`. */
  url: string | URL;
  licenseKey: string;
  /** 1 to 255 characters that stay the same on this device and differ from any other. */
  deviceFingerprint: string;
  /** A session of its own for each symbol; without one, the session without symbol. */
  symbol?: string | undefined;
  /** Asked before each heartbeat. */
  report?: (() => BotReport) | undefined;
  /** Told of every change and of every heartbeat. What it throws is logged and goes no further. */
  onStatus?: ((status: SessionStatus) => unknown) | undefined;
  /** Gives up an opening under way, and releases an open session. */
  signal?: AbortSignal | undefined;
  /**
   * How long before another device could be let in the right to the session ends. By default 5 s,
   * or a sixth of the session's time-out if that is less. Never more than half of the time-out.
   */
  marginMs?: number | undefined;
  /** For each request, 5 s by default; a third of the right to the session if that is less. */
  requestTimeoutMs?: number | undefined;
  /**
   * How long opening goes on when the service gives no usable answer, 30 s by default. `Infinity`:
   * until there is one.
   */
  openWithinMs?: number | undefined;
};

export type SessionStatus =
  /** A claim got no usable answer; it is tried again. */
  | { state: "opening"; problem: string }
  /** The service has confirmed the session; the right to it lasts so long unless confirmed again. */
  | { state: "held"; rightLastsMs: number }
  /** A heartbeat was not confirmed. The right still lasts so long, and it is tried again. */
  | { state: "troubled"; problem: string; rightLastsMs: number }
  /** This process was asleep or stuck until its right was over. There is none until the answer. */
  | { state: "asking"; problem?: string }
  /** Nothing follows. */
  | ({ state: "ended" } & End);

export type ReleaseOutcome =
  /** The next device may claim at once. */
  | "released"
  /** There was nothing to release any more. */
  | "not_held"
  /** No answer; the session lapses by itself. */
  | "unconfirmed";

export type Session = {
  readonly sessionId: string;
  /** Grows with every claim on the license: whatever carries a smaller one is of an older session. */
  readonly fencingToken: number;
  /** Whether there is a right to the session at this very moment. Look before each order. */
  readonly held: boolean;
  /** How long the right lasts unless a heartbeat is confirmed; 0 without one. */
  readonly rightLastsMs: number;
  /** Fires once, when the session is over, with a `SessionEnded`. */
  readonly signal: AbortSignal;
  /** Ends the session and tells the service. Safe to call twice; never rejects. */
  release(): Promise<ReleaseOutcome>;
};
