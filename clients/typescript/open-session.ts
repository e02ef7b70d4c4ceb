import { claimSession } from "./claim-session.ts";
import { keepSession } from "./keep-session.ts";
import type { Session, SessionOptions } from "./session.ts";
import { checkTimes } from "./timing.ts";
import { createWebRuntime } from "./web-runtime.ts";

// This file is what the package shows; nothing else of it is meant to be imported.
export {
  type EndReason,
  LicenseRefused,
  RequestUnreadable,
  ServiceUnavailable,
  SessionEnded,
  SessionRefused,
} from "./errors.ts";
export type {
  BotReport,
  ReleaseOutcome,
  Session,
  SessionOptions,
  SessionStatus,
} from "./session.ts";

/**
 * Claims a session and keeps it with heartbeats until it is released or over.
 *
 * @throws SessionRefused if another device holds it: it says who, and how long to wait
 * @throws LicenseRefused if the license is unknown or has ended
 * @throws RequestUnreadable if the service can't read what it was given
 * @throws ServiceUnavailable if no usable answer came within `openWithinMs`
 * @throws TypeError or RangeError if an option is none that could work
 * @throws what `options.signal` is aborted with meanwhile
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  checkTimes(options);
  const runtime = createWebRuntime(options.url);
  const claim = await claimSession(options, runtime);
  return keepSession(claim, options, runtime);
}
