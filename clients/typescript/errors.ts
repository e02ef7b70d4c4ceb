/** What is known about the answer that caused an error. */
export type ErrorFacts = {
  status?: number | undefined;
  requestId?: string | undefined;
  cause?: unknown;
};

/**
 * The base class of all errors of this client, except for invalid options (TypeError, RangeError).
 */
export abstract class LicenseSessionError extends Error {
  /** A stable code for programs: one of the service, or of this client. */
  abstract readonly code: string;
  /** The HTTP status, if there was an answer. */
  readonly status: number | undefined;
  /** By this id the operator of the service finds the request in the logs. */
  readonly requestId: string | undefined;

  constructor(message: string, { status, requestId, cause }: ErrorFacts = {}) {
    super(message, cause === undefined ? undefined : { cause });
    this.status = status;
    this.requestId = requestId;
  }
}

/** Another device holds the session, or every seat of the license is taken (403 at the start). */
export class SessionRefused extends LicenseSessionError {
  override readonly name = "SessionRefused";
  readonly code: "session_conflict" | "session_limit";
  /** The first characters of the holder's fingerprint. */
  readonly activeDevice: string | undefined;
  /** How long until the session lapses if its holder sends nothing more. */
  readonly waitSeconds: number | undefined;

  constructor(
    code: SessionRefused["code"],
    message: string,
    facts: ErrorFacts & { activeDevice: string | undefined; waitSeconds: number | undefined },
  ) {
    super(message, facts);
    this.code = code;
    this.activeDevice = facts.activeDevice;
    this.waitSeconds = facts.waitSeconds;
  }
}

/** The license is unknown, suspended, cancelled or expired (401 at the start). */
export class LicenseRefused extends LicenseSessionError {
  override readonly name = "LicenseRefused";
  readonly code: LicenseEndCode;

  constructor(code: LicenseEndCode, message: string, facts?: ErrorFacts) {
    super(message, facts);
    this.code = code;
  }
}

export type LicenseEndCode =
  | "license_unknown"
  | "license_suspended"
  | "license_cancelled"
  | "license_expired";

/** The service can't read the request (400 at the start). */
export class RequestUnreadable extends LicenseSessionError {
  override readonly name = "RequestUnreadable";
  readonly code = "bad_request";
  readonly field: string | undefined;

  constructor(message: string, facts: ErrorFacts & { field: string | undefined }) {
    super(message, facts);
    this.field = facts.field;
  }
}

/** The server at this address is not the license service (404 without a code). */
export class ServiceNotFound extends LicenseSessionError {
  override readonly name = "ServiceNotFound";
  readonly code = "service_not_found";

  constructor(path: string, facts: ErrorFacts) {
    super(`The server has no /${path} (HTTP ${facts.status}): check the url option`, facts);
  }
}

/** `publicKeys` were given, but this platform can't verify Ed25519 signatures. */
export class Ed25519Missing extends LicenseSessionError {
  override readonly name = "Ed25519Missing";
  readonly code = "ed25519_missing";

  constructor(reason: string, facts?: ErrorFacts) {
    super(`This platform can't verify signed answers: ${reason}`, facts);
  }
}

/** No usable answer came before the time limit for opening a session. */
export class ServiceUnavailable extends LicenseSessionError {
  override readonly name = "ServiceUnavailable";
  readonly code = "unavailable";
  /** What happened instead: a code, `HTTP` and a status, or the connection error. */
  readonly problem: string;

  constructor(problem: string, facts?: ErrorFacts) {
    super(`The license service gave no usable answer: ${problem}`, facts);
    this.problem = problem;
  }
}

/**
 * Why a session is over.
 * - `taken`: another device or a later claim of this one holds it, or an operator ended it. Stop,
 *   and claim again only if a person decides so.
 * - `license_ended`: the license was suspended, cancelled, deleted or has expired. Stop.
 * - `lost`: it could not be confirmed in time, or no longer exists. May be claimed again.
 * - `released`: the program released it.
 */
export type EndReason = "taken" | "license_ended" | "lost" | "released";

export type EndCode =
  | "session_taken"
  | "session_replaced"
  | "session_ended"
  | "session_not_found"
  | LicenseEndCode
  /** No heartbeat was confirmed before the right ended. */
  | "no_answer_in_time"
  /** A bug of this client. */
  | "keeper_failed"
  | "released";

export type End = {
  reason: EndReason;
  code: EndCode;
  /** The device that has taken it, if the service says so. */
  activeDevice?: string;
};

/** The reason of a session's `signal` once it has fired. */
export class SessionEnded extends LicenseSessionError implements End {
  override readonly name = "SessionEnded";
  readonly reason: EndReason;
  readonly code: EndCode;
  readonly activeDevice?: string;

  constructor({ reason, code, activeDevice }: End) {
    super(`The session is over: ${reason} (${code})`);
    this.reason = reason;
    this.code = code;
    if (activeDevice !== undefined) this.activeDevice = activeDevice;
  }
}
