import { createCallQueue, isThenable } from "./call-queue.ts";
import { defaultLogger, type Logger } from "./logger.ts";
import type { ReleaseRequest, SessionOptions, SessionStatus, SymbolLoss } from "./session.ts";

/**
 * Reports what happens to the program and its log. Never throws, and need not be awaited.
 */
export type Notifier = {
  notify(status: SessionStatus): void;
  symbolLost(loss: SymbolLoss): void;
  releaseAsked(request: ReleaseRequest): void;
  /** The program has let go of its session. */
  dropped(): void;
  log: Logger;
};

export function createNotifier(options: SessionOptions): Notifier {
  const { onStatus, onSymbolLost, onReleaseRequest, logger, symbol, symbols } = options;
  const log = harmless(logger ?? defaultLogger);
  const callOnStatus = createCallQueue("onStatus", onStatus, log);
  const callOnSymbolLost = createCallQueue("onSymbolLost", onSymbolLost, log);
  const callOnReleaseRequest = createCallQueue("onReleaseRequest", onReleaseRequest, log);
  const name = symbols ? ` of ${symbols.length} symbols` : symbol === undefined ? "" : ` ${symbol}`;
  let lastState: SessionStatus["state"] | undefined;

  return {
    log,
    notify(status) {
      logStatus(status);
      callOnStatus(status);
    },
    symbolLost(loss) {
      log.warn(`License session${name}: ${loss.symbol} is lost (${loss.code})${heldBy(loss)}`);
      callOnSymbolLost(loss);
    },
    releaseAsked(request) {
      log.info(`License session${name}: ${request.device} asks for it to be released`);
      callOnReleaseRequest(request);
    },
    dropped() {
      log.warn(
        `License session${name}: the program has let go of it, and it is kept all the same: keep what openSession returns, and release it at the end`,
      );
    },
  };

  function logStatus(status: SessionStatus): void {
    const changed = status.state !== lastState;
    lastState = status.state;
    const text = `License session${name}: ${inWords(status)}`;
    const isLoss = status.state === "ended" && status.reason !== "released";
    if (isLoss || (changed && status.state === "opening")) log.warn(text);
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
      return `over: ${status.reason} (${status.code})${heldBy(status)}`;
  }
}

function heldBy({ activeDevice }: { activeDevice?: string }): string {
  return activeDevice === undefined ? "" : `, now held by ${activeDevice}`;
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`;
}

/** A logger that throws, or returns a promise that fails, must not end the session or the program. */
function harmless(logger: Logger): Logger {
  const quietly =
    (level: keyof Logger): Logger[typeof level] =>
    (message, ...details) => {
      try {
        const returned: unknown = logger[level](message, ...details);
        if (isThenable(returned)) Promise.resolve(returned).catch(() => {});
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
