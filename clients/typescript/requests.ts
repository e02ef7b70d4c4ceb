import type { ClaimName } from "./claim-names.ts";
import type { SessionOptions } from "./session.ts";

export const claimPath = "api/validate-license";
export const heartbeatPath = "api/heartbeat";
export const releasePath = "api/session/release";

export function claimText(options: SessionOptions, name: ClaimName, asksHolder: boolean): string {
  return JSON.stringify({ ...claimFields(options, name), ask_holder: asksHolder || undefined });
}

/** A check names itself like a claim, because the service judges it as that claim would be. */
export function checkText(options: SessionOptions, name: ClaimName): string {
  return JSON.stringify({ ...claimFields(options, name), check_only: true });
}

function claimFields(options: SessionOptions, name: ClaimName) {
  const { onlyIfFree } = options;
  return { ...callerFields(options), ...nameFields(name), only_if_free: onlyIfFree || undefined };
}

/**
 * What is released: a session by its id or, if that never arrived, what an opening was granted.
 * Of a session of several symbols, `symbols` are released.
 */
export type Released = { sessionId: string; symbols?: readonly string[] } | ClaimName;

export function releaseText(options: SessionOptions, released: Released): string {
  const fields =
    "sessionId" in released
      ? { session_id: released.sessionId, ...symbolsField(options, released.symbols) }
      : nameFields(released);
  return JSON.stringify({ ...callerFields(options), ...fields });
}

type HeartbeatFields = {
  /** Of a session of several: those that are held. To leave one out confirms that it is lost. */
  symbols?: readonly string[];
  /** Whether to answer a request to release the session. */
  keep?: boolean;
};

/** What a heartbeat reports about the bot. Omitted fields keep their stored value. */
export type BotReport = {
  /** At most 64 characters. */
  botVersion?: string | undefined;
  /** At most 64 characters. */
  status?: string | undefined;
  /** At most 1,024 bytes as JSON. */
  metadata?: Record<string, unknown> | undefined;
};

/** @throws TypeError if the report can't be written as JSON */
export function heartbeatText(
  options: SessionOptions,
  sessionId: string,
  { botVersion, status, metadata }: BotReport = {},
  { symbols, keep }: HeartbeatFields = {},
): string {
  return JSON.stringify({
    ...callerFields(options),
    ...symbolsField(options, symbols),
    session_id: sessionId,
    bot_version: botVersion,
    status,
    metadata,
    keep: keep || undefined,
  });
}

function nameFields({ runId, claimNumber }: ClaimName) {
  return { run_id: runId, claim_number: claimNumber };
}

function symbolsField({ symbols: claimed }: SessionOptions, symbols: readonly string[] = []) {
  return claimed ? { symbols } : {};
}

function callerFields({ licenseKey, deviceFingerprint, symbol, symbols }: SessionOptions) {
  return { license_key: licenseKey, device_fingerprint: deviceFingerprint, symbol, symbols };
}
