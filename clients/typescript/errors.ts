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

/**
 * Another device holds the session, or every seat of the license is taken (403 at the start). Or
 * this opening came to nothing, because it took too long or an operator ended it (409).
 */
export class SessionRefused extends LicenseSessionError {
  override readonly name = "SessionRefused";
  readonly code: "session_conflict" | "session_limit" | "claim_late" | "session_ended";
  /** The first characters of the holder's fingerprint. */
  readonly activeDevice: string | undefined;
  /** How long until the session lapses if its holder sends nothing more. */
  readonly waitSeconds: number | undefined;
  /** True if the holder is this very device; an opening does not wait for that. */
  readonly heldByThisDevice: boolean | undefined;
  /** What is known about the holder's session, for a single symbol. */
  readonly holder: Holder | undefined;
  /** Whether the holder was asked to release (`askHolder`); false if it can't be asked. */
  readonly holderAsked: boolean | undefined;
  /** Whether the request has reached the holder with the answer to a heartbeat. */
  readonly holderTold: boolean | undefined;
  /** Whether the holder has answered that it keeps the session. */
  readonly holderKeeps: boolean | undefined;
  /** With `symbols`: each symbol in the way. The others can be claimed without these. */
  readonly blocked: readonly Blocked[] | undefined;

  constructor(code: SessionRefused["code"], message: string, facts: ErrorFacts & RefusalFacts) {
    super(message, facts);
    this.code = code;
    this.activeDevice = facts.activeDevice;
    this.waitSeconds = facts.waitSeconds;
    this.heldByThisDevice = facts.heldByThisDevice;
    this.holder = facts.holder;
    this.holderAsked = facts.holderAsked;
    this.holderTold = facts.holderTold;
    this.holderKeeps = facts.holderKeeps;
    this.blocked = facts.blocked;
  }
}

/** What a refusal says about who is in the way. */
export type RefusalFacts = HolderFacts & {
  blocked?: readonly Blocked[] | undefined;
};

type HolderFacts = {
  holder?: Holder | undefined;
  activeDevice?: string | undefined;
  waitSeconds?: number | undefined;
  heldByThisDevice?: boolean | undefined;
  holderAsked?: boolean | undefined;
  holderTold?: boolean | undefined;
  holderKeeps?: boolean | undefined;
};

/** A symbol that could not be had, as this program wrote it. The facts are as in `SessionRefused`. */
export type Blocked = HolderFacts & { symbol: string };

/** The session that is in the way. */
export type Holder = {
  /** The first characters of its device's fingerprint. */
  device: string;
  /** How long ago it was claimed. */
  sinceSeconds?: number | undefined;
  lastHeartbeatSecondsAgo?: number | undefined;
  /** The status that the bot reported last. */
  status?: string | undefined;
};

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

const brand = Symbol.for("license-session.error");

/**
 * Makes `instanceof` true for the errors of other copies of this package in the process, too:
 * imported and required, or two versions.
 */
function isKnownAcrossCopies(name: string, errorClass: { prototype: LicenseSessionError }): void {
  Object.defineProperty(errorClass.prototype, brand, { value: name });
  Object.defineProperty(errorClass, Symbol.hasInstance, {
    value(this: unknown, error: unknown) {
      // A class that a program has derived knows its own alone.
      if (this !== errorClass) return Function.prototype[Symbol.hasInstance].call(this, error);
      if (typeof error !== "object" || error === null || !(brand in error)) return false;
      return name === "LicenseSessionError" || error[brand] === name;
    },
  });
}

isKnownAcrossCopies("LicenseSessionError", LicenseSessionError);
isKnownAcrossCopies("SessionRefused", SessionRefused);
isKnownAcrossCopies("LicenseRefused", LicenseRefused);
isKnownAcrossCopies("RequestUnreadable", RequestUnreadable);
isKnownAcrossCopies("ServiceNotFound", ServiceNotFound);
isKnownAcrossCopies("Ed25519Missing", Ed25519Missing);
isKnownAcrossCopies("ServiceUnavailable", ServiceUnavailable);
isKnownAcrossCopies("SessionEnded", SessionEnded);
