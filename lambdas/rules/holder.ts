import type { License } from "./license.ts";
import { isSession, type Session } from "./session.ts";

/** Who asks for which session. */
export type Caller = {
  /** SHA-256 of the license key, hex. */
  licenseId: string;
  deviceFingerprint: string;
  /** The entry in the `sessions` of the license. */
  sessionSymbol: string;
};

/** A caller that believes it holds the session, and the claim it got it by, if it names one. */
export type Holder = Caller & { sessionId: string | undefined };

/**
 * The condition under which the caller holds a session: the same device, and the same claim if the
 * caller names one. `sessionHeldBy` applies the same rule to an item that was read.
 */
export function holderCondition({ deviceFingerprint, sessionSymbol, sessionId }: Holder) {
  const sameDevice = "sessions.#symbol.device_fingerprint = :device";
  const sameClaim = "sessions.#symbol.session_id = :session_id";
  return {
    condition: sessionId === undefined ? sameDevice : `${sameDevice} AND ${sameClaim}`,
    names: { "#symbol": sessionSymbol },
    values: {
      ":device": deviceFingerprint,
      ...(sessionId !== undefined && { ":session_id": sessionId }),
    },
  };
}

/** The session of the caller, if it holds one. */
export function sessionHeldBy(
  { deviceFingerprint, sessionSymbol, sessionId }: Holder,
  license: License | undefined,
): Session | undefined {
  const entry = license?.sessions[sessionSymbol];
  if (!entry || !isSession(entry)) return undefined;
  const sameDevice = entry.device_fingerprint === deviceFingerprint;
  const sameClaim = sessionId === undefined || entry.session_id === sessionId;
  return sameDevice && sameClaim ? entry : undefined;
}
