import type { LogLevel } from "./function-log.ts";

/** From the gateway to the thread of a function. */
export type InvocationMessage = {
  requestId: string;
  event: unknown;
  /** Epoch milliseconds at which the function's time is up. */
  deadlineMs: number;
};

/** From the thread of a function to the gateway. */
export type FunctionMessage =
  | { kind: "loaded" }
  | { kind: "load_failed" }
  | { kind: "answered"; requestId: string; resultJson: string }
  | { kind: "threw"; requestId: string }
  | { kind: "logged"; level: LogLevel; line: string };
