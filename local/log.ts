import { env, stderr, stdout } from "node:process";
import { formatLogLine, isLogged, type LogLevel } from "./functions/function-log.ts";
import { type LineStyle, requestLine, type ServedRequest } from "./gateway/request-line.ts";

const style: LineStyle = !stdout.isTTY
  ? "json"
  : env.NO_COLOR
    ? "terminal"
    : "terminal with colours";

/** One line for each request: for people on a terminal, else JSON. */
export function logRequest(served: ServedRequest): void {
  stdout.write(`${requestLine(served, style)}\n`);
}

/** A line that a function logs. Who watches requests on a terminal sees its refusals there. */
export function logFunctionLine(line: string, level: LogLevel): void {
  if (isLogged(level, "WARN")) stderr.write(`${line}\n`);
  else if (style === "json") stdout.write(`${line}\n`);
}

/** A request that its function failed to answer. */
export function logFailure(requestId: string, message: string): void {
  stderr.write(
    style === "json"
      ? `${formatLogLine("ERROR", [message], requestId, new Date())}\n`
      : `${message}\n`,
  );
}
