import { format, inspect } from "node:util";

export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL";

const levels: readonly string[] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/** Whether Lambda writes a line of `level` when the function's level is `lowest`. */
export function isLogged(level: LogLevel, lowest: string): boolean {
  return levels.indexOf(level) >= levels.indexOf(lowest);
}

/**
 * One line in Lambda's JSON log format: a single value becomes the message unchanged, several are
 * joined as text.
 */
export function formatLogLine(
  level: LogLevel,
  values: readonly unknown[],
  requestId: string | undefined,
  now: Date,
): string {
  const message = values.length === 1 ? values[0] : format(...values);
  const line = { timestamp: now.toISOString(), level, requestId, message };
  try {
    return JSON.stringify(line, withErrors);
  } catch {
    return JSON.stringify({ ...line, message: inspect(message) });
  }
}

function withErrors(_name: string, value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  const { name, message, stack = "", cause } = value;
  const stackTrace = stack.split("\n").slice(1);
  return { errorType: name, errorMessage: message, stackTrace, cause };
}
