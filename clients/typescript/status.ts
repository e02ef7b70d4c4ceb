import type { SessionOptions, SessionStatus } from "./session.ts";

/** Tells the program. An error of its own, thrown or rejected, must not end the keeping. */
export function tell({ onStatus }: SessionOptions, status: SessionStatus): void {
  const complain = (error: unknown) => console.error("onStatus failed:", error);
  try {
    Promise.resolve(onStatus?.(status)).catch(complain);
  } catch (error) {
    complain(error);
  }
}
