import { createNotifier } from "./notifier.ts";
import { openReleasingAtExit } from "./open-releasing-at-exit.ts";
import type { Session, SessionOptions } from "./session.ts";
import { checkTimes } from "./timing.ts";
import { createWebRuntime } from "./web-runtime.ts";

// This file is what the package shows; nothing else of it is meant to be imported.
export { checkSession, type SessionCheck } from "./check-session.ts";
export {
  Ed25519Missing,
  type EndCode,
  type EndReason,
  type LicenseEndCode,
  LicenseRefused,
  LicenseSessionError,
  RequestUnreadable,
  ServiceNotFound,
  ServiceUnavailable,
  SessionEnded,
  SessionRefused,
} from "./errors.ts";
export type { Logger } from "./logger.ts";
export type {
  BotReport,
  License,
  ReleaseOutcome,
  Session,
  SessionOptions,
  SessionStatus,
} from "./session.ts";
export type { FetchAnswer, FetchFunction } from "./transport.ts";
export { version } from "./version.ts";

/**
 * Claims a session and keeps it with heartbeats until it is released or over.
 *
 * @throws SessionRefused if another device holds it: it says who, and how long to wait
 * @throws LicenseRefused if the license is unknown or has ended
 * @throws RequestUnreadable if the service can't read what it was given
 * @throws ServiceNotFound if there is no license service at the address
 * @throws ServiceUnavailable if no usable answer came within `openWithinMs`
 * @throws Ed25519Missing if `publicKeys` are given, and this platform can't verify with them
 * @throws TypeError or RangeError if an option is none that could work
 * @throws what `options.signal` is aborted with meanwhile
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  checkTimes(options);
  const notifier = createNotifier(options);
  return openReleasingAtExit(options, createWebRuntime(options, notifier.log), notifier);
}
