import type { BotReport, SessionOptions } from "./session.ts";

export const claimPath = "api/validate-license";
export const heartbeatPath = "api/heartbeat";
export const releasePath = "api/session/release";

export function claimText(options: SessionOptions, claimId: string): string {
  return JSON.stringify({ ...callerFields(options), claim_id: claimId });
}

export function checkText(options: SessionOptions): string {
  return JSON.stringify({ ...callerFields(options), check_only: true });
}

export function releaseText(options: SessionOptions, sessionId: string): string {
  return JSON.stringify({ ...callerFields(options), session_id: sessionId });
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

function callerFields({ licenseKey, deviceFingerprint, symbol }: SessionOptions) {
  return { license_key: licenseKey, device_fingerprint: deviceFingerprint, symbol };
}
