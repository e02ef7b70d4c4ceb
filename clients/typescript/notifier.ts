import { defaultLogger, type Logger } from "./logger.ts";
import type { SessionOptions, SessionStatus } from "./session.ts";

/**
 * Reports each change of state to the program and its log. Never throws, and need not be awaited.
 */
export type Notifier = {
  notify(status: SessionStatus): void;
  log: Logger;
};

/** The most statuses that are queued for a callback that does not return. */
const longestQueue = 100;

export function createNotifier({ onStatus, logger, symbol }: SessionOptions): Notifier {
  const log = harmless(logger ?? defaultLogger);
  const queue: SessionStatus[] = [];
  let calling = false;
  let lastState: SessionStatus["state"] | undefined;

  return {
    log,
    notify(status) {
      logStatus(status);
      if (!onStatus) return;
      queue.push(status);
      if (queue.length > longestQueue) {
        queue.shift();
        log.error("onStatus has not returned for a long time: the oldest status was dropped");
      }
      callInTurn(onStatus);
    },
  };

  function callInTurn(call: (status: SessionStatus) => unknown): void {
    while (!calling) {
      const status = queue.shift();
      if (!status) return;
      calling = true;
      let returned: unknown;
      try {
        returned = call(status);
      } catch (error) {
        log.error("onStatus failed:", error);
      }
      if (!isThenable(returned)) {
        calling = false;
        continue;
      }
      Promise.resolve(returned)
        .catch((error) => log.error("onStatus failed:", error))
        .then(() => {
          calling = false;
          callInTurn(call);
        });
    }
  }

  function logStatus(status: SessionStatus): void {
    const changed = status.state !== lastState;
    lastState = status.state;
    const text = `License session${symbol === undefined ? "" : ` ${symbol}`}: ${inWords(status)}`;
    if (status.state === "ended" && status.reason !== "released") log.warn(text);
    else if (changed) log.info(text);
    else log.debug(text);
  }
}

function inWords(status: SessionStatus): string {
  switch (status.state) {
    case "opening":
      return `not open yet (${status.problem}); trying again`;
    case "waiting":
      return `waiting (${status.code}${status.activeDevice === undefined ? "" : `, held by ${status.activeDevice}`})`;
    case "held":
      return `held; the right lasts ${seconds(status.rightLastsMs)}`;
    case "troubled":
      return `a heartbeat was not confirmed (${status.problem}); the right still lasts ${seconds(status.rightLastsMs)}`;
    case "asking":
      return `no right until the service confirms it (${status.problem ?? "this machine was asleep"})`;
    case "ended":
      return `over: ${status.reason} (${status.code})${status.activeDevice === undefined ? "" : `, now held by ${status.activeDevice}`}`;
  }
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === "object" && value !== null && "then" in value;
}

/** A logger that throws must not end the session. */
function harmless(logger: Logger): Logger {
  const quietly =
    (level: keyof Logger): Logger[typeof level] =>
    (message, ...details) => {
      try {
        logger[level](message, ...details);
      } catch {
        // The error can't be reported anywhere.
      }
    };
  return {
    debug: quietly("debug"),
    info: quietly("info"),
    warn: quietly("warn"),
    error: quietly("error"),
  };
}
