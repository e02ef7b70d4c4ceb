import * as z from "zod/mini";
import {
  type Answer,
  type Handler,
  type RequestContext,
  toHandler,
} from "./http/answer-request.ts";
import { type ClaimByHeartbeat, legacyHeartbeat } from "./legacy/legacy-heartbeat.ts";
import { isWellFormed } from "./license-key.ts";
import { callerOf, holderSchema } from "./request.ts";
import { claimedEvent } from "./routes/claimed-event.ts";
import { endedMessages, inUseMessage, unknownLicense } from "./routes/refusal-messages.ts";
import { type Service, serviceFromEnvironment } from "./routes/service.ts";
import { type HeartbeatOutcome, heartbeat } from "./rules/heartbeat.ts";
import { activeSymbols, expirationIso, type License } from "./rules/license.ts";
import { type LeaseTime, maskFingerprint, type StoredReport } from "./rules/session.ts";

const shortText = z
  .optional(z.string().check(z.maxLength(64), z.refine(isWellFormed)))
  .check(z.describe("at most 64 characters"));

export const heartbeatSchema = z.extend(holderSchema, {
  bot_version: shortText,
  status: shortText,
  metadata: z
    .optional(z.record(z.string(), z.unknown()))
    .check(z.describe("an object of at most 1024 bytes of JSON text")),
});

/** `POST /api/heartbeat`: keeps a session alive. 200 only after the write was confirmed. */
export function heartbeatHandler(service: Service): Handler {
  const { settings, table } = service;
  const { sessionTimeoutMs, legacyBots } = settings;
  return toHandler(
    {
      schema: heartbeatSchema,
      maxBytesOfText: { metadata: 1024 },
      fieldsOf: {
        badRequest: { status: "error" },
        internalError: { status: "error", session_conflict: false },
      },
      async answer(request, { nowMs, signal, jsonTexts, record }) {
        const caller = callerOf(request, settings);
        const report: StoredReport = {
          bot_version: request.bot_version,
          bot_status: request.status,
          metadata: jsonTexts.metadata,
        };
        const time = { nowMs, sessionTimeoutMs };
        const { session_id: sessionId, symbol } = request;
        // Only a legacy bot names no session; a heartbeat that names one follows the strict rules.
        if (!legacyBots || sessionId !== undefined) {
          const holder = { ...caller, sessionId };
          const outcome = await heartbeat(table, holder, report, time, signal);
          return answerTo(outcome, symbol, time, 500);
        }
        const outcome = await legacyHeartbeat(table, caller, report, time, signal);
        recordLegacy(outcome, time, record);
        return answerTo(outcome, symbol, time, 403);
      },
    },
    service,
  );
}

export const handler = heartbeatHandler(serviceFromEnvironment());

/**
 * @param refusedStatus 500 by contract, so that no monitor overlooks a heartbeat that was not
 * recorded. 403 for legacy bots, because only a 403 stops them. They also get a 500 for a late
 * heartbeat, because the session is still theirs.
 */
function answerTo(
  outcome: HeartbeatOutcome | ClaimByHeartbeat,
  symbol: string | undefined,
  time: LeaseTime,
  refusedStatus: 403 | 500,
): Answer {
  const { code } = outcome;
  switch (code) {
    case "granted":
    case "recorded":
      return recorded(outcome.license, symbol, time);
    case "license_suspended":
    case "license_cancelled":
    case "license_expired": {
      const statusCode = "recorded" in outcome && outcome.recorded ? 403 : refusedStatus;
      return refusedLicense(statusCode, code, endedMessages[code]);
    }
    case "license_unknown":
      return refusedLicense(refusedStatus, code, unknownLicense);
    case "session_taken":
      return conflict(refusedStatus, {
        code,
        message:
          "Another device holds this session now. Stop here, or stop that device and claim again.",
        active_device: maskFingerprint(outcome.entry.device_fingerprint),
      });
    case "session_conflict":
    case "session_limit":
      return conflict(refusedStatus, {
        code: code === "session_conflict" ? "session_taken" : code,
        message: inUseMessage(outcome),
        active_device: maskFingerprint(outcome.blockedBy),
      });
    case "session_replaced":
      return conflict(refusedStatus, {
        code,
        message:
          "A later claim by this device has replaced this session. Stop: another process took it over.",
      });
    case "session_ended":
      return conflict(refusedStatus, {
        code,
        message:
          "An operator ended this session. Stop, and don't claim again without being asked to.",
      });
    case "session_not_found":
      return refused({
        code,
        message: "This session no longer exists. Stop, and claim a new one.",
      });
    case "heartbeat_late":
      return refused({
        code,
        message: "A later heartbeat of this session is stored already; this one changed nothing.",
      });
  }
}

function recorded(license: License, symbol: string | undefined, time: LeaseTime): Answer {
  const { nowMs, sessionTimeoutMs } = time;
  const hours = hoursUntil(license.license_expiration, nowMs);
  return {
    statusCode: 200,
    body: {
      status: "success",
      code: "recorded",
      message: "The heartbeat is recorded.",
      license_valid: true,
      session_conflict: false,
      symbol,
      active_symbols: activeSymbols(license, nowMs),
      license_expiration: expirationIso(license),
      days_until_expiration: hours === null ? null : Math.floor(hours / 24),
      hours_until_expiration: hours,
      session_timeout_seconds: sessionTimeoutMs / 1000,
    },
  };
}

function refusedLicense(statusCode: number, code: string, message: string): Answer {
  return { statusCode, body: { status: "error", license_valid: false, code, message } };
}

function conflict(statusCode: number, body: Answer["body"]): Answer {
  return { statusCode, body: { status: "error", session_conflict: true, ...body } };
}

function refused(body: Answer["body"]): Answer {
  return { statusCode: 500, body: { status: "error", session_conflict: false, ...body } };
}

function hoursUntil(expirationMs: number | undefined, nowMs: number): number | null {
  return expirationMs === undefined ? null : (expirationMs - nowMs) / 3_600_000;
}

/** One in this many heartbeats of legacy bots is logged, to estimate how many there still are. */
const legacyWeight = 64;

function recordLegacy(
  outcome: HeartbeatOutcome | ClaimByHeartbeat,
  { nowMs }: LeaseTime,
  record: RequestContext["record"],
): void {
  if (outcome.code === "granted") record(claimedEvent(outcome));
  // The clock's low digits sample as well as a random number, and are reproducible in tests.
  if (nowMs % legacyWeight === 0) {
    record({ event: "legacy_heartbeat", legacy: true, weight: legacyWeight });
  }
}
