export type LogLevel = "TRACE" | "DEBUG" | "INFO" | "WARN" | "ERROR" | "FATAL";

const levels: readonly string[] = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL"];

/** Whether Lambda writes a line of `level` when the function's level is `lowest`. */
export function isLogged(level: LogLevel, lowest: string): boolean {
  return levels.indexOf(level) >= levels.indexOf(lowest);
}

/**
 * One line as Lambda's JSON log format has it: a single value is the message itself, several are
 * joined as text.
 */
export function formatLogLine(
  level: LogLevel,
  values: readonly unknown[],
  requestId: string | undefined,
  now: Date,
): string {
  const message = values.length === 1 ? values[0] : values.map(toText).join(" ");
  return toJson({ timestamp: now.toISOString(), level, requestId, message });
}

function toText(value: unknown): string {
  return typeof value === "string" ? value : toJson(value);
}

function toJson(value: unknown): string {
  try {
    return JSON.stringify(value, replaceUnwritable) ?? String(value);
  } catch (error) {
    return JSON.stringify({ message: `A log line that can't be written as JSON: ${error}` });
  }
}

function replaceUnwritable(_name: string, value: unknown): unknown {
  if (typeof value === "bigint") return String(value);
  if (!(value instanceof Error)) return value;
  return {
    errorType: value.name,
    errorMessage: value.message,
    stackTrace:
      value.stack
        ?.split("\n")
        .slice(1)
        .map((line) => line.trim()) ?? [],
    ...(value.cause !== undefined && { cause: value.cause }),
  };
}
