/** Who asks for which session. */
export type Caller = {
  /** SHA-256 of the license key, hex. */
  licenseId: string;
  deviceFingerprint: string;
  /** The entry in the `sessions` of the license. */
  sessionSymbol: string;
};

/** A caller that takes itself for the holder, and the claim it goes on from, if it says. */
export type Holder = Caller & { sessionId: string | undefined };

/** The one condition on which a session is its caller's: same device, and same claim if told. */
export function heldBy({ deviceFingerprint, sessionSymbol, sessionId }: Holder) {
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
