import { stderr, stdout } from "node:process";
import { formatLogLine, isLogged, type LogLevel } from "./functions/function-log.ts";
import { requestLine, type ServedRequest } from "./gateway/request-line.ts";

/** Goes on without a log when the program that reads it, such as `head`, has ended. */
export function surviveReaders(): void {
  for (const stream of [stdout, stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code !== "EPIPE") throw error;
    });
  }
}

/** One line for each request. */
export function logRequest(served: ServedRequest): void {
  stdout.write(`${requestLine(served, stdout)}\n`);
}

/**
 * A line that a function logs. On a terminal, INFO is left out: the request lines show refusals.
 */
export function logFunctionLine(line: string, level: LogLevel): void {
  if (isLogged(level, "WARN")) stderr.write(`${line}\n`);
  else if (!stdout.isTTY) stdout.write(`${line}\n`);
}

/** A request that its function failed to answer. */
export function logFailure(requestId: string, message: string): void {
  stderr.write(
    stderr.isTTY ? `${message}\n` : `${formatLogLine("ERROR", [message], requestId, new Date())}\n`,
  );
}
