import * as z from "zod/mini";
import { type Answer, type Handler, toHandler } from "./http.ts";
import { type CallerRequest, callerOf, callerSchema } from "./request.ts";
import { type Service, serviceFromEnvironment } from "./service.ts";
import {
  type CheckOutcome,
  type ClaimOutcome,
  type ClaimTime,
  checkClaim,
  claim,
} from "./sessions/claim.ts";
import { activeSymbols, endedMessages, expirationIso, type License } from "./sessions/license.ts";
import { maskFingerprint } from "./sessions/session.ts";

export const validateSchema = z.extend(callerSchema, {
  check_only: z.optional(z.boolean()).check(z.describe("true or false")),
});

/** `POST /api/validate-license`: claims a session or, with `check_only`, tells whether one could. */
export function validateHandler({ settings, table, now }: Service): Handler {
  const { sessionTimeoutMs } = settings;
  return toHandler(
    {
      schema: validateSchema,
      maxBytesOfText: {},
      fieldsOf: { badRequest: { license_valid: false }, internalError: { license_valid: false } },
      async answer(request, { nowMs, signal }) {
        const time = { nowMs, sessionTimeoutMs };
        const tryIt = request.check_only ? checkClaim : claim;
        const outcome = await tryIt(table, callerOf(request, settings), time, signal);
        return answerTo(outcome, request, time);
      },
    },
    now,
  );
}

export const handler = validateHandler(serviceFromEnvironment());

function answerTo(
  outcome: ClaimOutcome | CheckOutcome,
  { symbol }: CallerRequest,
  time: ClaimTime,
): Answer {
  const { code } = outcome;
  switch (code) {
    case "granted":
      return ok({
        code,
        message: "The session is yours.",
        ...standing(outcome.license, symbol, time),
        session_id: outcome.sessionId,
        fencing_token: outcome.license.fencing_token,
      });
    case "available":
      return ok({
        code,
        message: "A session could be claimed now.",
        ...standing(outcome.license, symbol, time),
      });
    case "license_unknown":
      return unauthorized(code, "There is no such license.");
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return unauthorized(code, endedMessages[code]);
    case "session_conflict":
    case "session_limit":
      return {
        statusCode: 403,
        body: {
          license_valid: false,
          session_conflict: true,
          code,
          message:
            code === "session_conflict"
              ? "Another device holds this session."
              : "Every session of this license is taken.",
          active_device: maskFingerprint(outcome.blockedBy.device_fingerprint),
          estimated_wait_seconds: outcome.waitSeconds,
          symbol,
        },
      };
  }
}

function ok(body: Answer["body"]): Answer {
  return { statusCode: 200, body: { license_valid: true, session_conflict: false, ...body } };
}

function unauthorized(code: string, message: string): Answer {
  return { statusCode: 401, body: { license_valid: false, code, message } };
}

function standing(
  license: License,
  symbol: string | undefined,
  { nowMs, sessionTimeoutMs }: ClaimTime,
) {
  const sessionTimeoutSeconds = sessionTimeoutMs / 1000;
  return {
    license_type: license.license_type,
    expiry_date: expirationIso(license),
    symbol,
    active_symbols: activeSymbols(license, nowMs, sessionTimeoutMs),
    session_timeout_seconds: sessionTimeoutSeconds,
    // Two heartbeats may be lost before the session lapses.
    heartbeat_interval_seconds: Math.max(1, Math.floor(sessionTimeoutSeconds / 3)),
  };
}
