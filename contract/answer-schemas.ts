import * as z from "zod";

/**
 * The answers on the wire. The OpenAPI document is generated from them, and the tests check every
 * answer of the functions against them. The functions don't import this, to stay small.
 */

const message = z.string().describe("For people; may change its words.");

const symbol = z.string().optional().describe("As asked for, upper-cased; absent if none was.");

const activeSymbols = z
  .array(z.string())
  .describe("The symbols with a live session on this license; `*` is the session without symbol.");

const instantOrNever = z.iso.datetime().nullable().describe("ISO 8601; null: never.");

const sessionTimeoutSeconds = z
  .int()
  .min(1)
  .describe("How long after its last heartbeat the session is kept for its holder.");

const activeDevice = z
  .string()
  .describe("At most 8 characters of the holder's fingerprint and at most half of it, and `...`.");

const requestId = z.string().describe("What the operator finds the failure by.");

const field = z.string().describe("The field that can't be read, `body` for all of it.");

const endedCodes = ["license_suspended", "license_cancelled", "license_expired"] as const;

const validLicense = {
  license_valid: z.literal(true),
  session_conflict: z.literal(false),
  message,
  license_type: z.string(),
  expiry_date: instantOrNever,
  symbol,
  active_symbols: activeSymbols,
  session_timeout_seconds: sessionTimeoutSeconds,
  heartbeat_interval_seconds: z.int().min(1).describe("How often to send a heartbeat."),
};

export const granted = z.object({
  ...validLicense,
  code: z.literal("granted"),
  session_id: z.string().describe("Names this claim; send it with heartbeats and the release."),
  fencing_token: z.int().min(1).describe("Grows with every claim on the license."),
});

export const available = z.object({ ...validLicense, code: z.literal("available") });

export const licenseRefused = z.object({
  license_valid: z.literal(false),
  code: z.literal(["license_unknown", ...endedCodes]),
  message,
});

export const claimRefused = z.object({
  license_valid: z.literal(false),
  session_conflict: z.literal(true),
  code: z.literal(["session_conflict", "session_limit"]),
  message,
  active_device: activeDevice,
  estimated_wait_seconds: z
    .int()
    .min(0)
    .describe("Until the session lapses if no other heartbeat comes; rounded up."),
  symbol,
});

export const claimUnreadable = z.object({
  license_valid: z.literal(false),
  code: z.literal("bad_request"),
  message,
  field,
});

export const claimFailed = z.object({
  license_valid: z.literal(false),
  code: z.literal("internal_error"),
  message,
  request_id: requestId,
});

export const recorded = z.object({
  status: z.literal("success"),
  code: z.literal("recorded"),
  message,
  license_valid: z.literal(true),
  session_conflict: z.literal(false),
  symbol,
  active_symbols: activeSymbols,
  license_expiration: instantOrNever,
  days_until_expiration: z.int().nullable().describe("Whole days, rounded down; null: no end."),
  hours_until_expiration: z
    .number()
    .nullable()
    .describe("Hours with their fraction; null: no end."),
  session_timeout_seconds: sessionTimeoutSeconds,
});

/** 403: the heartbeat was stored, although the license has ended. 500: it was not stored. */
export const licenseEnded = z.object({
  status: z.literal("error"),
  license_valid: z.literal(false),
  code: z.literal(["license_unknown", ...endedCodes]),
  message,
});

export const sessionTaken = z.object({
  status: z.literal("error"),
  session_conflict: z.literal(true),
  code: z.literal("session_taken"),
  message,
  active_device: activeDevice,
});

export const sessionReplaced = z.object({
  status: z.literal("error"),
  session_conflict: z.literal(true),
  code: z.literal("session_replaced"),
  message,
});

export const sessionEnded = z.object({
  status: z.literal("error"),
  session_conflict: z.literal(true),
  code: z.literal("session_ended"),
  message,
});

/** With `LEGACY_BOTS` only: the heartbeat of a legacy bot found no seat to claim. */
export const noSeat = z.object({
  status: z.literal("error"),
  session_conflict: z.literal(true),
  code: z.literal("session_limit"),
  message,
  active_device: activeDevice,
});

export const heartbeatLate = z.object({
  status: z.literal("error"),
  session_conflict: z.literal(false),
  code: z.literal("heartbeat_late"),
  message,
});

export const sessionNotFound = z.object({
  status: z.literal("error"),
  session_conflict: z.literal(false),
  code: z.literal("session_not_found"),
  message,
});

export const unreadable = z.object({
  status: z.literal("error"),
  code: z.literal("bad_request"),
  message,
  field,
});

export const failed = z.object({
  status: z.literal("error"),
  session_conflict: z.literal(false),
  code: z.literal("internal_error"),
  message,
  request_id: requestId,
});

export const released = z.object({
  status: z.literal("success"),
  code: z.literal("released"),
  message,
});

/** With `LEGACY_BOTS` only: a release that names no session left it to lapse. */
export const leftToLapse = z.object({
  status: z.literal("info"),
  code: z.literal("left_to_lapse"),
  message,
});

export const notHeld = z.object({
  status: z.literal("info"),
  code: z.literal("not_held"),
  message,
});

/** An answer of API Gateway itself: it has no `code` and says nothing about the session. */
export const gatewayAnswer = z.object({ message: z.string() });
