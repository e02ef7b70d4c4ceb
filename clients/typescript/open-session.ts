import { saidWhenDropped } from "./dropped-session.ts";
import { createNotifier } from "./notifier.ts";
import { openReleasingAtExit } from "./open-releasing-at-exit.ts";
import { checkOptions } from "./options.ts";
import { untilShown } from "./page-shown.ts";
import type { Session, SessionOptions } from "./session.ts";
import { createWebRuntime } from "./web-runtime.ts";

// The public interface of the package. No other file is meant to be imported.
export { checkSession, type SessionCheck } from "./check-session.ts";
export {
  type Blocked,
  Ed25519Missing,
  type EndCode,
  type EndReason,
  type Holder,
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
export type { BotReport } from "./requests.ts";
export type {
  License,
  ReleaseOutcome,
  ReleaseRequest,
  Session,
  SessionOptions,
  SessionStatus,
  SymbolLoss,
  SymbolLossCode,
} from "./session.ts";
export type { FetchAnswer, FetchFunction } from "./transport.ts";
export { version } from "./version.ts";

/**
 * Claims a session and keeps it with heartbeats until it is released or over.
 *
 * @throws SessionRefused if another device holds it: it says who, and how long to wait
 * @throws LicenseRefused if the license is unknown or has ended
 * @throws RequestUnreadable if the service can't read the request
 * @throws ServiceNotFound if there is no license service at the address
 * @throws ServiceUnavailable if no usable answer came within `openWithinMs`
 * @throws Ed25519Missing if `publicKeys` are given but this platform can't verify signatures
 * @throws TypeError or RangeError if an option is invalid
 * @throws the reason of `options.signal` if it is aborted meanwhile
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  checkOptions(options);
  await untilShown(options.signal);
  const notifier = createNotifier(options);
  const runtime = createWebRuntime(options, notifier.log);
  return saidWhenDropped(await openReleasingAtExit(options, runtime, notifier), notifier);
}
