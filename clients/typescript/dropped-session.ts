import type { Notifier } from "./notifier.ts";
import type { Session } from "./session.ts";

const handles = new FinalizationRegistry<Notifier>(({ dropped }) => dropped());

/**
 * What the program gets of a session. Nothing in the client refers to it, so that it is collected
 * once the program has dropped it, which is then said. The session is kept all the same: its signal
 * or a callback may be in use, and when garbage is collected must not decide over a right.
 */
export function saidWhenDropped(session: Session, notifier: Notifier): Session {
  if (session.signal.aborted) return session;
  const properties = Object.getOwnPropertyDescriptors(session);
  const handle: Session = Object.create(Object.prototype, properties);
  handles.register(handle, notifier, session);
  session.signal.addEventListener("abort", () => handles.unregister(session));
  return handle;
}
