import { randomUUID } from "node:crypto";
import * as z from "zod/mini";
import { type Answer, type Handler, toHandler } from "./http/answer-request.ts";
import { isWellFormed } from "./license-key.ts";
import { type CallerRequest, callerOf, callerSchema } from "./request.ts";
import { claimedEvent } from "./routes/claimed-event.ts";
import { endedMessages, inUseMessage, unknownLicense } from "./routes/refusal-messages.ts";
import { type Service, serviceFromEnvironment } from "./routes/service.ts";
import {
  type CheckOutcome,
  type Claim,
  type ClaimOutcome,
  checkClaim,
  claim,
} from "./rules/claim.ts";
import { activeSymbols, expirationIso, type License } from "./rules/license.ts";
import { type LeaseTime, leaseMs, maskFingerprint } from "./rules/session.ts";

export const claimSchema = z.extend(callerSchema, {
  check_only: z.optional(z.boolean()).check(z.describe("true or false")),
  claim_id: z
    .optional(z.string().check(z.minLength(1), z.maxLength(64), z.refine(isWellFormed)))
    .check(
      z.describe(
        "an id of the caller's own, 1 to 64 characters, the same for every attempt until an answer " +
          "grants or refuses; best `random.process.number`, where `process` is 8 random characters or " +
          "more that the program makes when it starts, and `number` counts its claims",
      ),
    ),
});

/**
 * `POST /api/validate-license`: claims a session. With `check_only`, only reports whether it could.
 */
export function claimHandler(service: Service): Handler {
  const { settings, table } = service;
  const { sessionTimeoutMs } = settings;
  return toHandler(
    {
      schema: claimSchema,
      maxBytesOfText: {},
      fieldsOf: { badRequest: { license_valid: false }, internalError: { license_valid: false } },
      async answer(request, { nowMs, signal, record }) {
        const time = { nowMs, sessionTimeoutMs };
        const wanted: Claim = {
          ...callerOf(request, settings),
          claimId: request.claim_id ?? randomUUID(),
          kind: settings.legacyBots && request.claim_id === undefined ? "legacy claim" : "claim",
        };
        const outcome = await (request.check_only ? checkClaim : claim)(
          table,
          wanted,
          time,
          signal,
        );
        if (outcome.code === "granted" && outcome.written) record(claimedEvent(outcome));
        return answerTo(outcome, request, time);
      },
    },
    service,
  );
}

export const handler = claimHandler(serviceFromEnvironment());

function answerTo(
  outcome: ClaimOutcome | CheckOutcome,
  { symbol }: CallerRequest,
  time: LeaseTime,
): Answer {
  const { code } = outcome;
  switch (code) {
    case "granted":
      return ok({
        code,
        message: "The session is yours.",
        // A repeated attempt wrote nothing, so it reports the stored lease.
        ...licenseFields(outcome.license, symbol, {
          ...time,
          sessionTimeoutMs: leaseMs(outcome.session),
        }),
        session_id: outcome.session.session_id,
        fencing_token: outcome.license.fencing_token,
      });
    case "available":
      return ok({
        code,
        message: "A session could be claimed now.",
        ...licenseFields(outcome.license, symbol, time),
      });
    case "license_unknown":
      return unauthorized(code, unknownLicense);
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return unauthorized(code, endedMessages[code]);
    case "session_ended":
      throw new Error("Only a claim that a heartbeat makes is refused for an ended session");
    case "session_conflict":
    case "session_limit":
      return {
        statusCode: 403,
        body: {
          license_valid: false,
          session_conflict: true,
          code,
          message: inUseMessage(outcome),
          active_device: maskFingerprint(outcome.blockedBy),
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

function licenseFields(
  license: License,
  symbol: string | undefined,
  { nowMs, sessionTimeoutMs }: LeaseTime,
) {
  const sessionTimeoutSeconds = Math.max(1, Math.floor(sessionTimeoutMs / 1000));
  return {
    license_type: license.license_type,
    expiry_date: expirationIso(license),
    symbol,
    active_symbols: activeSymbols(license, nowMs),
    session_timeout_seconds: sessionTimeoutSeconds,
    // Two heartbeats may be lost before the session lapses, as clients send each a little early.
    heartbeat_interval_seconds: Math.max(1, Math.floor(sessionTimeoutSeconds / 3)),
  };
}
