import * as z from "zod/mini";
import { type Answer, type Handler, toHandler } from "./http.ts";
import { isWellFormed } from "./license-key.ts";
import { callerOf, holderSchema } from "./request.ts";
import { type Service, serviceFromEnvironment } from "./service.ts";
import { type HeartbeatOutcome, heartbeat } from "./sessions/heartbeat.ts";
import { activeSymbols, endedMessages, expirationIso } from "./sessions/license.ts";
import { maskFingerprint } from "./sessions/session.ts";

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
export function heartbeatHandler({ settings, table, now }: Service): Handler {
  return toHandler(
    {
      schema: heartbeatSchema,
      maxBytesOfText: { metadata: 1024 },
      fieldsOf: {
        badRequest: { status: "error" },
        internalError: { status: "error", session_conflict: false },
      },
      async answer(request, { nowMs, signal, texts }) {
        const holder = { ...callerOf(request, settings), sessionId: request.session_id };
        const report = {
          bot_version: request.bot_version,
          bot_status: request.status,
          metadata: texts.metadata,
        };
        const outcome = await heartbeat(table, holder, report, nowMs, signal);
        return answerTo(outcome, request.symbol, nowMs, settings.sessionTimeoutMs);
      },
    },
    now,
  );
}

export const handler = heartbeatHandler(serviceFromEnvironment());

function answerTo(
  outcome: HeartbeatOutcome,
  symbol: string | undefined,
  nowMs: number,
  sessionTimeoutMs: number,
): Answer {
  const { code } = outcome;
  switch (code) {
    case "recorded": {
      const { license } = outcome;
      return {
        statusCode: 200,
        body: {
          status: "success",
          code,
          message: "The heartbeat is recorded.",
          license_valid: true,
          session_conflict: false,
          symbol,
          active_symbols: activeSymbols(license, nowMs, sessionTimeoutMs),
          license_expiration: expirationIso(license),
          days_until_expiration: wholeUntil(license.license_expiration, nowMs, 86_400_000),
          hours_until_expiration: wholeUntil(license.license_expiration, nowMs, 3_600_000),
          session_timeout_seconds: sessionTimeoutMs / 1000,
        },
      };
    }
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return ended(code, endedMessages[code]);
    case "session_taken":
      return refused({
        code,
        message: "Another device holds this session now.",
        session_conflict: true,
        active_device: maskFingerprint(outcome.heldBy.device_fingerprint),
      });
    case "session_replaced":
      return refused({
        code,
        message: "This device has claimed the session anew; an earlier claim no longer holds it.",
        session_conflict: true,
      });
    case "session_not_found":
      return refused({
        code,
        message: "There is no such session; claim one.",
        session_conflict: false,
      });
  }
}

function ended(code: string, message: string): Answer {
  return { statusCode: 403, body: { status: "error", license_valid: false, code, message } };
}

/** A heartbeat that was not recorded is a 500 by contract, so that no monitor can overlook it. */
function refused(body: Answer["body"]): Answer {
  return { statusCode: 500, body: { status: "error", ...body } };
}

function wholeUntil(
  expirationMs: number | undefined,
  nowMs: number,
  unitMs: number,
): number | null {
  return expirationMs === undefined ? null : Math.floor((expirationMs - nowMs) / unitMs);
}
