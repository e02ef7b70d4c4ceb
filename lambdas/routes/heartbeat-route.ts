import {
  type HeartbeatRequest,
  heartbeatProblem,
  heartbeatRequestSchema,
} from "../../contract/requests/heartbeat-request.ts";
import type { HeartbeatAnswer } from "../../contract/routes.ts";
import { type Handler, type RequestContext, toHandler } from "../http/handle-request.ts";
import { answerLegacyHeartbeat } from "../legacy/legacy-heartbeat.ts";
import { noteOf } from "../rules/ask-holder.ts";
import { leaseMs, reportSchema } from "../rules/entry.ts";
import {
  type Heartbeat,
  type HeartbeatOutcome,
  heartbeat,
  type Loss,
  type Recorded,
} from "../rules/heartbeat.ts";
import { activeSymbols, type EndedCode, expirationIso } from "../rules/license.ts";
import { heldForSeconds } from "../rules/right.ts";
import { readSessionId } from "../rules/session-id.ts";
import { asSent, callerOf, symbolFields, whoAsked } from "./caller.ts";
import { isDailyLineDue } from "./daily-line.ts";
import { licenseMessages, lossMessages, shownDevice } from "./messages.ts";
import type { Service } from "./service.ts";

/** `POST /api/heartbeat`: keeps a session alive. 200 only after the write was confirmed. */
export function heartbeatHandler(service: Service): Handler {
  const { settings, table } = service;
  return toHandler<HeartbeatRequest, HeartbeatAnswer>(
    {
      schema: heartbeatRequestSchema,
      problem: heartbeatProblem,
      maxBytesOfText: { metadata: 1024 },
      whoAsked,
      async answer(request, context) {
        const { nowMs, signal, jsonTexts } = context;
        const { namedSymbols, ...caller } = callerOf(request, settings);
        const isOfSeveral = settings.multiSymbolSessions && namedSymbols !== undefined;
        const beat: Heartbeat = {
          ...caller,
          sessionId: request.session_id,
          portfolioKey: isOfSeveral ? readSessionId(request.session_id).portfolioKey : undefined,
          report: reportSchema.parse({
            ...request,
            bot_status: request.status,
            metadata: jsonTexts.metadata,
          }),
          keep: request.keep === true,
          nowMs,
          sessionTimeoutMs: settings.sessionTimeoutMs,
        };
        const database = table.forRequest({ signal, nowMs });
        const isLegacy = settings.legacyBots && request.session_id === undefined;
        const answer = (outcome: HeartbeatOutcome) =>
          answerTo(outcome, request, context, service, isLegacy ? 403 : 500);
        if (isLegacy) return answerLegacyHeartbeat(database, beat, context, answer);
        return answer(await heartbeat(database, beat));
      },
      badRequest: (field, message) => ({
        statusCode: 400,
        body: { status: "error", code: "bad_request", message, field },
      }),
      failed: (message, request_id) => ({
        statusCode: 500,
        body: {
          status: "error",
          session_conflict: false,
          code: "internal_error",
          message,
          request_id,
        },
      }),
    },
    service,
  );
}

/**
 * @param stops the status by which the bot learns that it must stop: 500 by contract, so that no
 *   monitor overlooks it; legacy bots obey a 403 alone
 */
function answerTo(
  outcome: HeartbeatOutcome,
  request: HeartbeatRequest,
  { nowMs, uncertainMs, record }: RequestContext,
  { settings }: Service,
  stops: 403 | 500,
): HeartbeatAnswer {
  const { code } = outcome;
  switch (code) {
    case "recorded":
      recordEvents(outcome);
      return {
        statusCode: 200,
        body: {
          status: "success",
          code,
          message: "The heartbeat is recorded.",
          license_valid: true,
          session_conflict: false,
          ...symbolFields(request),
          active_symbols: activeSymbols(outcome.license, nowMs),
          ...expiration(outcome),
          ...right(outcome),
          ...askedFor(outcome),
        },
      };
    case "recorded_on_ended_license":
      return licenseEnded(403, outcome.ended);
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return licenseEnded(stops, code);
    case "partly_recorded": {
      const { held, lost } = outcome;
      if (held.length === 0) return lossAnswer(lost);
      recordEvents(outcome);
      const [first] = lost;
      return {
        statusCode: 500,
        body: {
          status: "error",
          license_valid: true,
          session_conflict: first.code !== "session_not_found",
          code: first.code,
          message: `Symbols of this session that are lost: ${lost.length}. The others are renewed. Stop trading those that are lost, and leave them out of the next heartbeat.`,
          symbols_held: held.flatMap((symbol) => asSent(request, symbol)),
          symbols_lost: lost.flatMap(shownLosses),
          ...right(outcome),
          ...askedFor(outcome),
        },
      };
    }
    case "lost":
      return lossAnswer(outcome.lost);
    case "heartbeat_late":
      return {
        statusCode: 500,
        body: {
          status: "error",
          session_conflict: false,
          code,
          message: "A later heartbeat of this session is stored already; this one changed nothing.",
        },
      };
  }

  function right({ session, license }: Recorded) {
    const lease = leaseMs(session);
    return {
      session_timeout_seconds: lease / 1000,
      held_for_seconds: heldForSeconds(lease, settings.oneClock, uncertainMs),
      fencing_token: session.fencing_token ?? license.fencing_token,
    };
  }

  function askedFor({ session }: Recorded) {
    const note = noteOf(session, nowMs);
    if (!note) return {};
    return {
      release_asked_by: note.device,
      release_asked_seconds_ago: Math.max(0, Math.floor((nowMs - note.at) / 1000)),
      ...(request.symbols && {
        release_asked_symbols: note.symbols?.flatMap((symbol) => asSent(request, symbol)),
      }),
    };
  }

  function expiration({ license }: Recorded) {
    const { license_expiration: expirationMs } = license;
    const hours = expirationMs === undefined ? null : (expirationMs - nowMs) / 3_600_000;
    return {
      license_expiration: expirationIso(license),
      days_until_expiration: hours === null ? null : Math.floor(hours / 24),
      hours_until_expiration: hours,
    };
  }

  function recordEvents({ before, session }: Recorded): void {
    if (request.keep && before.askedBy !== undefined) {
      record({
        event: "session_kept",
        session_id: session.session_id,
        asked_by: before.askedBy,
      });
    }
    const { session_id, bot_version } = session;
    const note = noteOf(session, nowMs);
    if (note && before.lastHeartbeatMs <= note.met) {
      record({ event: "holder_told", session_id, asked_by: note.device });
    }
    if (!isDailyLineDue(session_id, before.lastHeartbeatMs, nowMs)) return;
    record({ event: "session_active", session_id, bot_version });
  }

  function lossAnswer(lost: readonly [Loss, ...Loss[]]): HeartbeatAnswer {
    const [first] = lost;
    const several = request.symbols && { symbols_lost: lost.flatMap(shownLosses) };
    switch (first.code) {
      case "session_taken":
        return conflict(stops, {
          code: first.code,
          message: lossMessages[first.code],
          active_device: shownDevice(first.entry),
          ...several,
        });
      case "session_replaced": {
        const isNamed = request.session_id !== undefined;
        const message = isNamed ? lossMessages.session_replaced : lossMessages.session_unnamed;
        return conflict(stops, { code: first.code, message, ...several });
      }
      case "session_ended":
        return conflict(stops, { code: first.code, message: lossMessages[first.code], ...several });
      case "session_not_found":
        return {
          statusCode: 500,
          body: {
            status: "error",
            session_conflict: false,
            code: first.code,
            message: lossMessages[first.code],
            ...several,
          },
        };
    }
  }

  function shownLosses(loss: Loss) {
    const device = loss.code === "session_taken" && { active_device: shownDevice(loss.entry) };
    return asSent(request, loss.symbol).map((symbol) => ({ symbol, code: loss.code, ...device }));
  }
}

function licenseEnded(statusCode: 403 | 500, code: "license_unknown" | EndedCode) {
  const message = licenseMessages[code];
  return withStatus(statusCode, { status: "error", license_valid: false, code, message } as const);
}

function conflict<Body extends object>(statusCode: 403 | 500, body: Body) {
  return withStatus(statusCode, { status: "error", session_conflict: true, ...body } as const);
}

/** Says of each status alone what it comes with, as the contract does. */
function withStatus<Body>(statusCode: 403 | 500, body: Body) {
  return statusCode === 403 ? ({ statusCode, body } as const) : ({ statusCode, body } as const);
}
