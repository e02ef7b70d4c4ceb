import {
  type HeartbeatRequest,
  heartbeatProblem,
  heartbeatRequestSchema,
} from "../../contract/requests/heartbeat-request.ts";
import type { HeartbeatAnswer } from "../../contract/routes.ts";
import { type Handler, type RequestContext, toHandler } from "../http/handle-request.ts";
import { answerLegacyHeartbeat } from "../legacy/legacy-heartbeat.ts";
import { noteOf } from "../rules/ask-holder.ts";
import { leaseMs, reportSchema, type Session } from "../rules/entry.ts";
import {
  type Heartbeat,
  type HeartbeatOutcome,
  heartbeat,
  type Loss,
  type Recorded,
} from "../rules/heartbeat.ts";
import { heldForSeconds } from "../rules/held-for-seconds.ts";
import { activeSymbols, expirationIso, type License } from "../rules/license.ts";
import { asSent, sessionOf, symbolFields, whoAsked } from "./caller.ts";
import { recordHeartbeat } from "./history-lines.ts";
import { lossMessages, shownDevice } from "./messages.ts";
import { conflict, failures, licenseEnded, type StopStatus, withoutConflict } from "./refusals.ts";
import type { Service, Settings } from "./service.ts";

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
        const beat: Heartbeat = {
          ...sessionOf(request, settings),
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
        const answer = (outcome: HeartbeatOutcome, stops: StopStatus) =>
          answerTo(outcome, { request, context, settings, stops });
        if (settings.legacyBots && request.session_id === undefined) {
          return answerLegacyHeartbeat(database, beat, context, answer);
        }
        return answer(await heartbeat(database, beat), 500);
      },
      ...failures,
    },
    service,
  );
}

/** What an answer depends on besides the outcome. */
type Received = {
  request: HeartbeatRequest;
  context: RequestContext;
  settings: Settings;
  stops: StopStatus;
};

function answerTo(outcome: HeartbeatOutcome, received: Received): HeartbeatAnswer {
  const { request, context, stops } = received;
  const { code } = outcome;
  switch (code) {
    case "recorded":
      recordHeartbeat(outcome, request.keep === true, context);
      return {
        statusCode: 200,
        body: {
          status: "success",
          code,
          message: "The heartbeat is recorded.",
          license_valid: true,
          session_conflict: false,
          ...symbolFields(request),
          active_symbols: activeSymbols(outcome.license, context.nowMs),
          ...expirationOf(outcome.license, context.nowMs),
          ...rightOf(outcome, received),
          ...askFor(outcome.session, received),
        },
      };
    case "partly_recorded": {
      const { held, lost } = outcome;
      if (held.length === 0) return lossAnswer(lost, received);
      recordHeartbeat(outcome, request.keep === true, context);
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
          symbols_lost: lost.flatMap((loss) => shownLosses(loss, request)),
          ...rightOf(outcome, received),
          ...askFor(outcome.session, received),
        },
      };
    }
    case "lost":
      return lossAnswer(outcome.lost, received);
    case "heartbeat_late":
      return withoutConflict({
        code,
        message: "A later heartbeat of this session is stored already; this one changed nothing.",
      });
    case "recorded_on_ended_license":
      return licenseEnded(403, outcome.ended);
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return licenseEnded(stops, code);
  }
}

function rightOf({ session, license }: Recorded, { settings, context }: Received) {
  const lease = leaseMs(session);
  return {
    session_timeout_seconds: lease / 1000,
    held_for_seconds: heldForSeconds(lease, settings.oneClock, context.uncertainMs),
    fencing_token: session.fencing_token ?? license.fencing_token,
  };
}

function expirationOf(license: License, nowMs: number) {
  const { license_expiration: expirationMs } = license;
  const hours = expirationMs === undefined ? null : (expirationMs - nowMs) / 3_600_000;
  return {
    license_expiration: expirationIso(license),
    days_until_expiration: hours === null ? null : Math.floor(hours / 24),
    hours_until_expiration: hours,
  };
}

/** That another device asks for the session. */
function askFor(session: Session, { request, context: { nowMs } }: Received) {
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

function lossAnswer(
  lost: readonly [Loss, ...Loss[]],
  { request, stops }: Received,
): HeartbeatAnswer {
  const [first] = lost;
  const isNameless = first.code === "session_replaced" && request.session_id === undefined;
  const message = lossMessages[isNameless ? "session_unnamed" : first.code];
  const several = request.symbols && {
    symbols_lost: lost.flatMap((loss) => shownLosses(loss, request)),
  };
  switch (first.code) {
    case "session_taken": {
      const active_device = shownDevice(first.entry);
      return conflict(stops, { code: first.code, message, active_device, ...several });
    }
    case "session_replaced":
      return conflict(stops, { code: first.code, message, ...several });
    case "session_ended":
      return conflict(stops, { code: first.code, message, ...several });
    case "session_not_found":
      return withoutConflict({ code: first.code, message, ...several });
  }
}

/** A symbol that is lost, by all names that the caller gave it. */
function shownLosses(loss: Loss, request: HeartbeatRequest) {
  const device = loss.code === "session_taken" && { active_device: shownDevice(loss.entry) };
  return asSent(request, loss.symbol).map((symbol) => ({ symbol, code: loss.code, ...device }));
}
