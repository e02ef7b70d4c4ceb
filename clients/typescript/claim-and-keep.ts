import { claimSession } from "./claim-session.ts";
import { keepSession } from "./keep-session.ts";
import { createNotifier, type Notifier } from "./notifier.ts";
import type { Runtime } from "./runtime.ts";
import type { Session, SessionOptions } from "./session.ts";
import { trustingRuntime } from "./trusting-runtime.ts";

/**
 * `openSession` on a given runtime: the tests and the simulation supply their own.
 *
 * @param givingBack called with the clean-up that a failed opening still has to finish; never
 *   rejects
 */
export async function claimAndKeep(
  options: SessionOptions,
  runtime: Runtime,
  notifier: Notifier = createNotifier(options),
  givingBack: (given: Promise<unknown>) => void = () => {},
): Promise<Session> {
  const trusting = await trustingRuntime(options, runtime);
  const claim = await claimSession(options, trusting, notifier, givingBack);
  return keepSession(claim, options, trusting, notifier);
}
