import { claimAndKeep } from "./claim-and-keep.ts";
import type { Notifier } from "./notifier.ts";
import { leaveAtProcessEnd } from "./process-end.ts";
import type { Runtime } from "./runtime.ts";
import type { Session, SessionOptions } from "./session.ts";

/**
 * Opens a session that is released when this process ends, even if it is still being opened then.
 */
export async function openReleasingAtExit(
  options: SessionOptions,
  runtime: Runtime,
  notifier: Notifier,
): Promise<Session> {
  if (options.releaseAtExit === false) return claimAndKeep(options, runtime, notifier);
  const giving: Promise<unknown>[] = [];
  const ending = new AbortController();
  const forward = () => ending.abort(options.signal?.reason);
  options.signal?.addEventListener("abort", forward);
  if (options.signal?.aborted) forward();
  const stopForwarding = () => options.signal?.removeEventListener("abort", forward);

  let isEnding = false;
  const forgetOpening = leaveAtProcessEnd(async () => {
    isEnding = true;
    ending.abort(new Error("The program ends"));
    // The opening notices the abort in a later turn. Only then is its clean-up known.
    await opening.catch(() => {});
    await Promise.all(giving);
  });
  const opening = claimAndKeep({ ...options, signal: ending.signal }, runtime, notifier, (given) =>
    giving.push(given),
  );
  try {
    const session = await opening;
    const forget = leaveAtProcessEnd(() => session.release());
    session.signal.addEventListener("abort", () => {
      stopForwarding();
      // If the program has begun a release itself, waits for it to finish.
      if (session.signal.reason.reason === "released") void session.release().then(forget);
      else forget();
    });
    return session;
  } catch (error) {
    stopForwarding();
    // Throwing would end the program before the granted session is released.
    if (isEnding) await new Promise(() => {});
    throw error;
  } finally {
    void Promise.all(giving).then(forgetOpening);
  }
}
