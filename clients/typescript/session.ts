/// <reference lib="esnext.disposable" preserve="true" />
import type { End } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { FetchFunction } from "./transport.ts";

/** What a heartbeat reports of the bot. What is left out stays as it was stored. */
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
  /**
   * Called before each heartbeat. One that fails, or a promise that takes longer than a second,
   * costs the report and not the heartbeat.
   */
  report?: (() => BotReport | Promise<BotReport>) | undefined;
  /**
   * Called with every change and every heartbeat, one call at a time and in order: after a promise,
   * the next call comes when it has settled. What it throws is logged and goes no further.
   */
  onStatus?: ((status: SessionStatus) => unknown) | undefined;
  /**
   * By default warnings and errors go to the console. `console` itself shows everything. Never gets
   * a license key or a whole fingerprint.
   */
  logger?: Logger | undefined;
  /**
   * Sends the requests, the global `fetch` by default: for a proxy, a certificate authority or a
   * client certificate of your own. It must give up when its signal fires.
   */
  fetch?: FetchFunction | undefined;
  /**
   * The public keys of the service, `ed25519:...` each: only answers that one of them has signed for
   * the very request are taken for the service's. Anything else neither grants nor ends a right.
   */
  publicKeys?: readonly string[] | undefined;
  /** Gives up an opening under way, and releases an open session. */
  signal?: AbortSignal | undefined;
  /**
   * The right to the session ends this long before another device could be let in: by default 5 s,
   * or a sixth of the session's timeout if that is less. Never more than half of the timeout.
   */
  marginMs?: number | undefined;
  /** For each request, 5 s by default; a third of the right to the session if that is less. */
  requestTimeoutMs?: number | undefined;
  /**
   * How long opening goes on when the service gives no usable answer, 30 s by default. `Infinity`:
   * until there is one.
   */
  openWithinMs?: number | undefined;
  /**
   * How long opening waits while another device holds the session, or every seat is taken: it is
   * claimed again after each wait that the service names. By default it is refused at once.
   * `Infinity`: until it is free.
   */
  waitWithinMs?: number | undefined;
  /**
   * Whether Node.js is to release the session when the program has nothing left to do, or is ended by
   * SIGINT, SIGTERM or SIGHUP without a listener of its own; true by default. It takes 5 s at most.
   * `process.exit()` and a crash can't be caught: the session lapses.
   */
  releaseAtExit?: boolean | undefined;
};

/** What the service last said of the license. */
export type License = {
  /** As the operator named it, `standard` say. */
  readonly type: string | undefined;
  /** When it ends; `undefined` if it never does. */
  readonly expiresAt: Date | undefined;
  /** The symbols with a live session, of whatever device. */
  readonly activeSymbols: readonly string[];
};

export type SessionStatus =
  /** A claim got no usable answer; it is tried again. */
  | { state: "opening"; problem: string }
  /** Another device holds it, or every seat is taken; it is claimed again after so long at most. */
  | {
      state: "waiting";
      code: "session_conflict" | "session_limit";
      activeDevice?: string;
      waitSeconds?: number;
    }
  /** The service has confirmed the session; the right to it lasts so long unless confirmed again. */
  | { state: "held"; rightLastsMs: number }
  /** A heartbeat was not confirmed. The right still lasts so long, and it is tried again. */
  | { state: "troubled"; problem: string; rightLastsMs: number }
  /**
   * There is no right until the service has answered: this process was asleep or stuck until its
   * right was over, or may have been, as the clocks have parted (`clocks_parted`).
   */
  | { state: "asking"; problem?: string }
  /** Nothing follows. */
  | ({ state: "ended" } & End);

export type ReleaseOutcome =
  /** The next device may claim at once. */
  | "released"
  /** There was nothing to release any more. */
  | "not_held"
  /** No answer; the session lapses on its own. */
  | "unconfirmed";

export type Session = {
  readonly sessionId: string;
  /** Grows with every claim on the license: whatever carries a smaller one is of an older session. */
  readonly fencingToken: number;
  /** As of the last answer. */
  readonly license: License;
  /** Whether there is a right to the session at this very moment. Look before each order. */
  readonly held: boolean;
  /** How long the right lasts unless a heartbeat is confirmed; 0 without one. */
  readonly rightLastsMs: number;
  /** Fires once, when the session is over, with a `SessionEnded`. */
  readonly signal: AbortSignal;
  /** Ends the session and frees the key at the service. Safe to call twice; never rejects. */
  release(): Promise<ReleaseOutcome>;
  /** Releases it: for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
};
