import { claimSession } from "./claim-session.ts";
import { keepSession } from "./keep-session.ts";
import { createNotifier } from "./notifier.ts";
import type { Runtime } from "./runtime.ts";
import type { Session, SessionOptions } from "./session.ts";

/** `openSession` in a world of the caller's: the tests and the simulation bring their own. */
export async function openWith(options: SessionOptions, runtime: Runtime): Promise<Session> {
  const notifier = createNotifier(options);
  const claim = await claimSession(options, runtime, notifier);
  return keepSession(claim, options, runtime, notifier);
}
