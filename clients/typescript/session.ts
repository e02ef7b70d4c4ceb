/// <reference lib="esnext.disposable" preserve="true" />
import type { End } from "./errors.ts";
import type { Logger } from "./logger.ts";
import type { BotReport } from "./requests.ts";
import type { FetchFunction } from "./transport.ts";

export type SessionOptions = {
  /** The address of the service, such as `https://abc.execute-api.eu-central-1.amazonaws.com`. */
  url: string | URL;
  licenseKey: string;
  /** 1 to 255 characters that stay the same on this device and differ from any other. */
  deviceFingerprint: string;
  /** Each symbol has its own session. If omitted, the session without a symbol is used. */
  symbol?: string | undefined;
  /**
   * One session for all of these symbols: it is opened for all or for none, and kept by one
   * heartbeat. Instead of `symbol`.
   */
  symbols?: readonly string[] | undefined;
  /**
   * Called before each heartbeat. If it fails, or its promise takes longer than a second, the
   * heartbeat is sent without a report.
   */
  report?: (() => BotReport | Promise<BotReport>) | undefined;
  /**
   * Called for every change and every heartbeat, in order and one call at a time: if it returns a
   * promise, the next call waits for it. Errors that it throws are only logged.
   */
  onStatus?: ((status: SessionStatus) => unknown) | undefined;
  /**
   * Called, in the way of `onStatus`, for each of several `symbols` that is lost while the session
   * goes on with the others.
   */
  onSymbolLost?: ((loss: SymbolLoss) => unknown) | undefined;
  /**
   * Called once, in the way of `onStatus`, if somebody asks for the session (`askHolder`). Close
   * the positions and call `release()`, or call `keep()`. Without it nothing happens.
   */
  onReleaseRequest?: ((request: ReleaseRequest) => unknown) | undefined;
  /**
   * By default, warnings and errors go to the console. Pass `console` to see everything. The logger
   * never receives a license key or a full fingerprint.
   */
  logger?: Logger | undefined;
  /**
   * Sends the requests; by default the global `fetch`. Replace it to use a proxy, a private
   * certificate authority or a client certificate. It must abort when its signal fires.
   */
  fetch?: FetchFunction | undefined;
  /**
   * The public keys of the service, each as `ed25519:...`. If given, only answers that are signed
   * by one of them for this very request count. Any other answer neither grants nor ends a right.
   */
  publicKeys?: readonly string[] | undefined;
  /** Aborts the opening, and releases the session if it is open. */
  signal?: AbortSignal | undefined;
  /**
   * Asks the device that holds the session to release it, once. Nothing is taken from it: with
   * `waitWithinMs`, this opening waits for the answer. The waiting status and `SessionRefused` say
   * whether the holder was asked, was told, and keeps the session.
   */
  askHolder?: boolean | undefined;
  /**
   * Refuses the opening if this device holds the session already, in this or another process. By
   * default an opening replaces an earlier session of its own device. For platforms that start
   * further instances by themselves, such as optimizers and charts.
   */
  onlyIfFree?: boolean | undefined;
  /**
   * Ends the right to the session this long before the session's timeout. The service names how
   * long a right lasts; this can only shorten it, down to half of the timeout.
   */
  marginMs?: number | undefined;
  /**
   * The time limit of each request: by default 5 s. After a request that was not answered in time
   * the next may take twice as long, and up to four times as long while opening; a heartbeat never
   * takes more than a third of the right's duration.
   */
  requestTimeoutMs?: number | undefined;
  /**
   * How long to keep trying to open while the service gives no usable answer: by default 30 s;
   * `Infinity` for no limit.
   */
  openWithinMs?: number | undefined;
  /**
   * How long to wait while another device holds the session or every seat is taken. The session is
   * claimed again about every 5 s; those who wait are in no order. By default opening fails at
   * once; `Infinity` waits without limit.
   */
  waitWithinMs?: number | undefined;
  /**
   * Whether to release the session in Node.js when the program has nothing left to do, or gets
   * SIGINT, SIGTERM or SIGHUP, whoever else listens to these. True by default. Takes at most 5 s.
   * Set it to false if the program has to do something with its session first, such as closing
   * positions. After `process.exit()` or a crash the session lapses instead.
   */
  releaseAtExit?: boolean | undefined;
};

/** The license as of the service's last answer. */
export type License = {
  /** The type that the operator set, such as `standard`. */
  readonly type: string | undefined;
  /** When it ends; `undefined` if it never does. */
  readonly expiresAt: Date | undefined;
  /** The symbols with a live session on any device. */
  readonly activeSymbols: readonly string[];
};

export type SessionStatus =
  /** A claim got no usable answer; it will be retried. */
  | { state: "opening"; problem: string }
  /** Another device holds it, or every seat is taken. It is claimed again in a few seconds. */
  | {
      state: "waiting";
      code: "session_conflict" | "session_limit";
      activeDevice?: string;
      waitSeconds?: number;
      /** With `askHolder`: as in `SessionRefused`. */
      holderAsked?: boolean;
      holderTold?: boolean;
      holderKeeps?: boolean;
    }
  /** The service has confirmed the session. The right lasts for `rightLastsMs` unless renewed. */
  | { state: "held"; rightLastsMs: number }
  /**
   * A heartbeat was not confirmed and will be retried. The right still lasts for `rightLastsMs`.
   */
  | { state: "troubled"; problem: string; rightLastsMs: number }
  /**
   * There is no right until the service answers. This process was asleep or stuck until its right
   * was over, or may have been, because the clocks have parted (`clocks_parted`).
   */
  | { state: "asking"; problem?: string }
  /** The final state. */
  | ({ state: "ended" } & End);

/** A symbol of a session of several that is lost; the session goes on with the others. */
export type SymbolLoss = {
  /** As this program wrote it. */
  symbol: string;
  code: SymbolLossCode;
  /** The device that has taken it, if the service says so. */
  activeDevice?: string;
};

/** As the codes of a whole session that is over. */
export type SymbolLossCode =
  | "session_taken"
  | "session_replaced"
  | "session_ended"
  | "session_not_found";

/** Somebody asks for the session. Nothing happens unless this program releases it. */
export type ReleaseRequest = {
  /** The first characters of the fingerprint of the device that asks. */
  device: string;
  secondsAgo: number;
  /** The symbols that are asked for, of a session of several. */
  symbols?: readonly string[];
};

export type ReleaseOutcome =
  /** The next device may claim at once. */
  | "released"
  /** The session no longer existed or was not held. */
  | "not_held"
  /** Given up, but the service keeps the session for others of its symbols until it lapses. */
  | "left_to_lapse"
  /** No answer came; the session lapses on its own. */
  | "unconfirmed";

export type Session = {
  readonly sessionId: string;
  /** Grows with every claim on the license: a smaller token belongs to an older session. */
  readonly fencingToken: number;
  /** As of the last answer. */
  readonly license: License;
  /** Whether there is a right to the session right now. Check it before each order. */
  readonly held: boolean;
  /** Whether there is a right to this symbol right now. */
  holds(symbol: string): boolean;
  /** The symbols to which there is a right right now, as the program wrote them. */
  readonly symbols: readonly string[];
  /** How long the right lasts unless a heartbeat is confirmed; 0 if there is none. */
  readonly rightLastsMs: number;
  /** Fires once, when the session is over. The reason is a `SessionEnded`. */
  readonly signal: AbortSignal;
  /**
   * Ends the session and frees the key at the service. Safe to call twice; never rejects.
   *
   * @param symbols releases only these of several, and the session goes on with the others
   */
  release(symbols?: readonly string[]): Promise<ReleaseOutcome>;
  /**
   * Answers a request to release the session (`onReleaseRequest`): it is kept. A heartbeat says so
   * at once. Nobody is asked again before the session's timeout.
   */
  keep(): void;
  /** Releases the session, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
};
