import type { ClaimName } from "./claim-names.ts";
import type { BotReport, SessionOptions } from "./session.ts";

export const claimPath = "api/validate-license";
export const heartbeatPath = "api/heartbeat";
export const releasePath = "api/session/release";

export function claimText(options: SessionOptions, name: ClaimName): string {
  return JSON.stringify({ ...callerFields(options), ...claimFields(options, name) });
}

/** A check names itself like a claim, because the service judges it as that claim would be. */
export function checkText(options: SessionOptions, name: ClaimName): string {
  const fields = { ...callerFields(options), ...claimFields(options, name) };
  return JSON.stringify({ ...fields, check_only: true });
}

/** What is released: a session by its id or, if that never arrived, what an opening was granted. */
export type Released = { sessionId: string } | ClaimName;

export function releaseText(options: SessionOptions, released: Released): string {
  const fields =
    "sessionId" in released ? { session_id: released.sessionId } : nameFields(released);
  return JSON.stringify({ ...callerFields(options), ...fields });
}

/** @throws TypeError if the report can't be written as JSON */
export function heartbeatText(
  options: SessionOptions,
  sessionId: string,
  { botVersion, status, metadata }: BotReport = {},
): string {
  return JSON.stringify({
    ...callerFields(options),
    session_id: sessionId,
    bot_version: botVersion,
    status,
    metadata,
  });
}

function claimFields({ onlyIfFree }: SessionOptions, name: ClaimName) {
  return { ...nameFields(name), only_if_free: onlyIfFree || undefined };
}

function nameFields({ runId, claimNumber }: ClaimName) {
  return { run_id: runId, claim_number: claimNumber };
}

function callerFields({ licenseKey, deviceFingerprint, symbol }: SessionOptions) {
  return { license_key: licenseKey, device_fingerprint: deviceFingerprint, symbol };
}
