import {
  type ReleaseRequest,
  releaseProblem,
  releaseRequestSchema,
} from "../../contract/requests/release-request.ts";
import type { ReleaseAnswer } from "../../contract/routes.ts";
import { type Handler, toHandler } from "../http/handle-request.ts";
import { legacyRelease } from "../legacy/legacy-release.ts";
import { type ReleaseOutcome, release } from "../rules/release.ts";
import { newPortfolioKey } from "../rules/session-id.ts";
import { openingOf, sessionOf, whoAsked } from "./caller.ts";
import { recordRelease } from "./history-lines.ts";
import { leftToLapseMessage, notHeldMessages, releasedMessage } from "./messages.ts";
import { failures } from "./refusals.ts";
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
      async answer(request, context) {
        const { nowMs, signal } = context;
        const { namedSymbols = 1, ...session } = sessionOf(request, settings);
        const opening = session.sessionId === undefined ? openingOf(request) : undefined;
        const isNameless = session.sessionId === undefined && opening === undefined;
        const outcome = await release(table.forRequest({ signal, nowMs }), {
          ...session,
          opening,
          ...(!settings.multiSymbolSessions && { namedSymbols }),
          vacancyKey: newPortfolioKey(),
          nowMs,
          ...(settings.legacyBots && isNameless && { legacy: legacyRelease(nowMs) }),
        });
        if (outcome.code === "released") recordRelease(outcome, context);
        return answerTo(outcome);
      },
      ...failures,
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
