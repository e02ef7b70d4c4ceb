import { claimAndKeep } from "./claim-and-keep.ts";
import type { Notifier } from "./notifier.ts";
import { onAbort } from "./on-abort.ts";
import { isInWorkerThread, leaveAtProcessEnd } from "./process-end.ts";
import type { Runtime } from "./runtime.ts";
import type { Session, SessionOptions } from "./session.ts";

let threadSaid = false;

/**
 * Opens a session that is released when this process ends, even if it is still being opened then.
 */
export async function openReleasingAtExit(
  options: SessionOptions,
  runtime: Runtime,
  notifier: Notifier,
): Promise<Session> {
  if (options.releaseAtExit === false) return claimAndKeep(options, runtime, notifier);
  const { warn } = notifier.log;
  if (isInWorkerThread() && !threadSaid) {
    threadSaid = true;
    warn(
      "This session is opened in a worker thread. It is released when the thread has nothing left to do, but not at a signal, terminate() or the end of the main thread: call release() before these",
    );
  }
  const giving: Promise<unknown>[] = [];
  const ending = new AbortController();
  const forward = () => ending.abort(options.signal?.reason);
  const stopForwarding = options.signal ? onAbort(options.signal, forward) : () => {};
  if (options.signal?.aborted) forward();

  let isEnding = false;
  const leaveOpening = async () => {
    isEnding = true;
    ending.abort(new Error("The program ends"));
    // The opening notices the abort in a later turn. Only then is its clean-up known.
    await settled;
    await Promise.all(giving);
  };
  const forgetOpening = leaveAtProcessEnd({ leave: leaveOpening, warn });
  const opening = claimAndKeep({ ...options, signal: ending.signal }, runtime, notifier, (given) =>
    giving.push(given),
  );
  const settled = Promise.allSettled([opening]);
  try {
    const session = await opening;
    const forget = leaveAtProcessEnd({ leave: () => session.release(), warn });
    session.signal.addEventListener("abort", () => {
      stopForwarding();
      // If the program has begun a release itself, waits for it to finish.
      if (session.signal.reason.reason === "released") void session.release().then(forget);
      else forget();
    });
    return session;
  } catch (error) {
    stopForwarding();
    if (isEnding) {
      // To throw at once could end the program before the granted session is released, or by an
      // error instead of the signal.
      await Promise.all(giving);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
    throw error;
  } finally {
    void Promise.all(giving).then(forgetOpening);
  }
}
