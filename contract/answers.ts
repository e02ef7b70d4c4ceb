import * as z from "zod";

/**
 * The answers on the wire. The OpenAPI document is generated from them, and the functions' answers
 * have their types. The functions import nothing else of it, to stay small.
 */

const message = z.string().describe("For people; may change its words.");

const symbol = z.string().optional().describe("As asked for, upper-cased; absent if none was.");

const symbols = z.array(z.string()).optional().describe("As asked for; absent if none were.");

const activeSymbols = z
  .array(z.string())
  .describe("The symbols with a live session on this license; `*` is the session without symbol.");

const instantOrNever = z.iso.datetime().nullable().describe("ISO 8601; null: never.");

const sessionTimeoutSeconds = z
  .int()
  .min(1)
  .describe("How long after its last heartbeat the session lapses.");

const heldForSeconds = z
  .number()
  .min(0)
  .describe("How long the session is yours, from the moment you sent this request.");

const fencingToken = z.int().min(1).describe("A later grant of the symbol has a greater one.");

const waitSeconds = z
  .int()
  .min(0)
  .describe("Until the session lapses if no other heartbeat comes; rounded up.");

const activeDevice = z
  .string()
  .describe("At most 8 characters of the holder's fingerprint and at most half of it, and `...`.");

const heldByThisDevice = z.boolean().describe("Whether `active_device` is the caller's own.");

const requestId = z.string().describe("The operator finds the failure by it.");

const field = z.string().describe("The field that can't be read; `body`: all of it.");

const holder = z
  .object({
    device: activeDevice,
    since_seconds: z.int().min(0),
    last_heartbeat_seconds_ago: z.int().min(0),
    status: z.string().optional(),
  })
  .optional()
  .describe("The live session in the way.");

const asked = {
  holder_asked: z.boolean().optional().describe("False: the holder can't be asked."),
  holder_told: z.boolean().optional().describe("A heartbeat's answer carried the note."),
  holder_keeps: z
    .boolean()
    .optional()
    .describe("The holder has answered that it keeps the session."),
};

const blocked = z
  .array(
    z.object({
      symbol: z.string(),
      active_device: activeDevice,
      held_by_this_device: heldByThisDevice,
      estimated_wait_seconds: waitSeconds,
      holder,
      ...asked,
    }),
  )
  .optional()
  .describe("With `symbols`: each that is in the way.");

const lostCodes = [
  "session_taken",
  "session_replaced",
  "session_ended",
  "session_not_found",
] as const;

const symbolsLost = z
  .array(
    z.object({
      symbol: z.string(),
      code: z.literal(lostCodes),
      active_device: activeDevice.optional(),
    }),
  )
  .describe("Of several symbols: those that are lost. Leave them out of the next heartbeat.");

const endedCodes = ["license_suspended", "license_cancelled", "license_expired"] as const;

const validLicense = {
  license_valid: z.literal(true),
  session_conflict: z.literal(false),
  message,
  license_type: z.string(),
  expiry_date: instantOrNever,
  symbol,
  symbols,
  active_symbols: activeSymbols,
  session_timeout_seconds: sessionTimeoutSeconds,
  heartbeat_interval_seconds: z.number().min(0.1).describe("How often to send a heartbeat."),
};

export const granted = z.object({
  ...validLicense,
  code: z.literal("granted"),
  session_id: z.string().describe("Names this claim; send it with heartbeats and the release."),
  fencing_token: fencingToken,
  held_for_seconds: heldForSeconds,
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
  held_by_this_device: heldByThisDevice,
  estimated_wait_seconds: waitSeconds,
  symbol,
  blocked,
  holder,
  ...asked,
});

/** The attempt came too late, or an operator ended the session that it asks for. */
export const claimOver = z.object({
  license_valid: z.literal(true),
  session_conflict: z.literal(true),
  code: z.literal(["claim_late", "session_ended"]),
  message,
  estimated_wait_seconds: waitSeconds,
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

const releaseAsked = {
  release_asked_by: activeDevice.optional().describe("A device asks for this session."),
  release_asked_seconds_ago: z.int().min(0).optional(),
  release_asked_symbols: z.array(z.string()).optional(),
};

export const recorded = z.object({
  status: z.literal("success"),
  code: z.literal("recorded"),
  message,
  license_valid: z.literal(true),
  session_conflict: z.literal(false),
  symbol,
  symbols,
  active_symbols: activeSymbols,
  license_expiration: instantOrNever,
  days_until_expiration: z.int().nullable().describe("Whole days, rounded down; null: no end."),
  hours_until_expiration: z
    .number()
    .nullable()
    .describe("Hours with their fraction; null: no end."),
  session_timeout_seconds: sessionTimeoutSeconds,
  held_for_seconds: heldForSeconds,
  fencing_token: fencingToken,
  ...releaseAsked,
});

/** 500: of several symbols, some are held no more. The others are renewed. */
export const partlyRecorded = z.object({
  status: z.literal("error"),
  license_valid: z.literal(true),
  session_conflict: z.boolean(),
  code: z.literal(lostCodes),
  message,
  symbols_held: z.array(z.string()),
  symbols_lost: symbolsLost,
  session_timeout_seconds: sessionTimeoutSeconds,
  held_for_seconds: heldForSeconds,
  fencing_token: fencingToken,
  ...releaseAsked,
});

/** 403: the heartbeat was stored, although the license has ended. 500: it was not stored. */
export const licenseEnded = z.object({
  status: z.literal("error"),
  license_valid: z.literal(false),
  code: z.literal(["license_unknown", ...endedCodes]),
  message,
});

/** A heartbeat or a release that was not done, although it could be read and the license is good. */
function notDone<Code extends string, Conflict extends boolean, More extends z.ZodRawShape>(
  code: Code,
  sessionConflict: Conflict,
  more: More,
) {
  return z.object({
    status: z.literal("error"),
    session_conflict: z.literal(sessionConflict),
    code: z.literal(code),
    message,
    ...more,
  });
}

const lost = { symbols_lost: symbolsLost.optional() };

export const sessionTaken = notDone("session_taken", true, {
  active_device: activeDevice,
  ...lost,
});

export const sessionReplaced = notDone("session_replaced", true, lost);

export const sessionEnded = notDone("session_ended", true, lost);

/** With `LEGACY_BOTS` only: the heartbeat of a legacy bot found no seat to claim. */
export const noSeat = notDone("session_limit", true, { active_device: activeDevice });

export const heartbeatLate = notDone("heartbeat_late", false, {});

export const sessionNotFound = notDone("session_not_found", false, lost);

/** With `LEGACY_BOTS` only: the session in the way was left by its bot and only waits to lapse. */
export const sessionLeft = notDone("session_left", false, {});

export const failed = notDone("internal_error", false, { request_id: requestId });

export const unreadable = z.object({
  status: z.literal("error"),
  code: z.literal("bad_request"),
  message,
  field,
});

/** A release that has nothing more to say. */
function releaseDone<Status extends string, Code extends string>(status: Status, code: Code) {
  return z.object({ status: z.literal(status), code: z.literal(code), message });
}

export const released = releaseDone("success", "released");

/** A release that names no session left it to lapse: another process may use it. */
export const leftToLapse = releaseDone("info", "left_to_lapse");

export const notHeld = releaseDone("info", "not_held");

/** An answer of API Gateway itself: it has no `code` and says nothing about the session. */
export const gatewayAnswer = z.object({ message: z.string() });
