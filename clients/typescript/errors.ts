/** Another device holds the session, or every seat of the license is taken (403 at the start). */
export class SessionRefused extends Error {
  override readonly name = "SessionRefused";
  readonly code: "session_conflict" | "session_limit";
  /** The first characters of the holder's fingerprint. */
  readonly activeDevice: string | undefined;
  /** How long until the session lapses if its holder sends nothing more. */
  readonly waitSeconds: number | undefined;

  constructor(
    code: SessionRefused["code"],
    message: string,
    activeDevice: string | undefined,
    waitSeconds: number | undefined,
  ) {
    super(message);
    this.code = code;
    this.activeDevice = activeDevice;
    this.waitSeconds = waitSeconds;
  }
}

/** The license is unknown, suspended, cancelled or expired (401 at the start). */
export class LicenseRefused extends Error {
  override readonly name = "LicenseRefused";
  /** `license_unknown`, `license_suspended`, `license_cancelled` or `license_expired`. */
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** The service can't read what it was given (400 at the start). */
export class RequestUnreadable extends Error {
  override readonly name = "RequestUnreadable";
  readonly code = "bad_request";
  readonly field: string | undefined;

  constructor(message: string, field: string | undefined) {
    super(message);
    this.field = field;
  }
}

/** No usable answer came in the time there was for opening a session. */
export class ServiceUnavailable extends Error {
  override readonly name = "ServiceUnavailable";
  readonly code = "unavailable";

  constructor(problem: string) {
    super(`The license service gave no usable answer: ${problem}`);
  }
}

/**
 * Why a session is over.
 * - `taken`: another device, or a later claim of this one, holds it. Stop.
 * - `license_ended`: the license was suspended, cancelled or has expired. Stop.
 * - `lost`: it could not be confirmed in time, or is gone from the service. May be claimed again.
 * - `released`: by the program itself.
 */
export type EndReason = "taken" | "license_ended" | "lost" | "released";

export type End = {
  reason: EndReason;
  /** The code of the service; `no_answer_in_time`, `keeper_failed` or `released` of the client. */
  code: string;
  /** Who has taken it, as far as the service tells. */
  activeDevice?: string;
};

/** The reason of a session's `signal` once it has fired. */
export class SessionEnded extends Error implements End {
  override readonly name = "SessionEnded";
  readonly reason: EndReason;
  readonly code: string;
  readonly activeDevice?: string;

  constructor({ reason, code, activeDevice }: End) {
    super(`The session is over: ${reason} (${code})`);
    this.reason = reason;
    this.code = code;
    if (activeDevice !== undefined) this.activeDevice = activeDevice;
  }
}
