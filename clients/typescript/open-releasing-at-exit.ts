import { claimAndKeep } from "./claim-and-keep.ts";
import type { Notifier } from "./notifier.ts";
import { leaveAtProcessEnd } from "./process-end.ts";
import type { Runtime } from "./runtime.ts";
import type { Session, SessionOptions } from "./session.ts";

/** Opens a session that is given back when this process comes to its end, even while it is opened. */
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
    // The opening notices in a later turn; what it gives back is known then.
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
      // A release that the program has begun itself is finished.
      if (session.signal.reason.reason === "released") void session.release().then(forget);
      else forget();
    });
    return session;
  } catch (error) {
    stopForwarding();
    // An error would end the program before what was granted is given back.
    if (isEnding) await new Promise(() => {});
    throw error;
  } finally {
    void Promise.all(giving).then(forgetOpening);
  }
}
