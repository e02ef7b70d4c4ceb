import {
  type ReleaseRequest,
  releaseProblem,
  releaseRequestSchema,
} from "../../contract/requests/release-request.ts";
import type { ReleaseAnswer } from "../../contract/routes.ts";
import { type Handler, toHandler } from "../http/handle-request.ts";
import { legacyRelease } from "../legacy/legacy-release.ts";
import { noteOf } from "../rules/ask-holder.ts";
import { type ReleaseOutcome, release } from "../rules/release.ts";
import { newPortfolioKey, readSessionId } from "../rules/session-id.ts";
import { callerOf, openingOf, whoAsked } from "./caller.ts";
import { leftToLapseMessage, notHeldMessages, releasedMessage } from "./messages.ts";
import type { Service } from "./service.ts";

/** `POST /api/session/release`: ends the caller's session; also 200 if it holds none. */
export function releaseHandler(service: Service): Handler {
  const { settings, table } = service;
  return toHandler<ReleaseRequest, ReleaseAnswer>(
    {
      schema: releaseRequestSchema,
      problem: releaseProblem,
      maxBytesOfText: {},
      whoAsked,
      async answer(request, { nowMs, signal, record }) {
        const { namedSymbols, ...caller } = callerOf(request, settings);
        const isOfSeveral = settings.multiSymbolSessions && namedSymbols !== undefined;
        const { session_id: sessionId } = request;
        const opening = openingOf(request);
        const isLegacy = settings.legacyBots && sessionId === undefined && opening === undefined;
        const outcome = await release(table.forRequest({ signal, nowMs }), {
          ...caller,
          sessionId,
          opening,
          ...(isOfSeveral
            ? readSessionId(sessionId)
            : { portfolioKey: undefined, grantedSymbols: 1 }),
          ...(!settings.multiSymbolSessions && { namedSymbols: namedSymbols ?? 1 }),
          vacancyKey: newPortfolioKey(),
          nowMs,
          ...(isLegacy && { legacy: legacyRelease(nowMs) }),
        });
        if (outcome.code === "released") {
          const note = noteOf(outcome.session, nowMs);
          record({
            event: "session_released",
            session_id: outcome.session.session_id,
            free_in_seconds: outcome.waitSeconds,
            ...(note && { asked_by: note.device }),
          });
        }
        return answerTo(outcome);
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

function answerTo(outcome: ReleaseOutcome): ReleaseAnswer {
  const { code } = outcome;
  switch (code) {
    case "released":
      return answer("success", code, releasedMessage(outcome.waitSeconds));
    case "not_held":
      return answer("info", code, notHeldMessages[outcome.why]);
    case "left_to_lapse":
      return answer("info", code, leftToLapseMessage(outcome.waitSeconds));
  }
}

function answer<Status extends "success" | "info", Code extends ReleaseOutcome["code"]>(
  status: Status,
  code: Code,
  message: string,
) {
  return { statusCode: 200, body: { status, code, message } } as const;
}
