import type { BotReport, SessionOptions } from "./session.ts";

export const claimPath = "api/validate-license";
export const heartbeatPath = "api/heartbeat";
export const releasePath = "api/session/release";

export function claimText(options: SessionOptions): string {
  return JSON.stringify(callerOf(options));
}

export function releaseText(options: SessionOptions, sessionId: string): string {
  return JSON.stringify({ ...callerOf(options), session_id: sessionId });
}

/** A heartbeat that reports nothing asks for as little as a release does. */
export const bareHeartbeatText = releaseText;

/** A report that can't be had or written down is left out: the heartbeat matters more. */
export function heartbeatText(options: SessionOptions, sessionId: string): string {
  try {
    const { botVersion, status, metadata }: BotReport = options.report?.() ?? {};
    return JSON.stringify({
      ...callerOf(options),
      session_id: sessionId,
      bot_version: botVersion,
      status,
      metadata,
    });
  } catch (error) {
    console.error("The report for a heartbeat failed:", error);
    return bareHeartbeatText(options, sessionId);
  }
}

function callerOf({ licenseKey, deviceFingerprint, symbol }: SessionOptions) {
  return { license_key: licenseKey, device_fingerprint: deviceFingerprint, symbol };
}
