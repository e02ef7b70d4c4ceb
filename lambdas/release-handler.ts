import { type Answer, type Handler, toHandler } from "./http/answer-request.ts";
import { callerOf, holderSchema } from "./request.ts";
import { type Service, serviceFromEnvironment } from "./routes/service.ts";
import { type ReleaseOutcome, release } from "./rules/release.ts";

/**
 * Legacy bots release when they are closed and again a minute later. The second release would end
 * the session of a copy that was started in the meantime.
 */
const legacyReleaseSparesMs = 120_000;

/** `POST /api/session/release`: ends the caller's session; also 200 if it holds none. */
export function releaseHandler(service: Service): Handler {
  const { settings, table } = service;
  return toHandler(
    {
      schema: holderSchema,
      maxBytesOfText: {},
      fieldsOf: {
        badRequest: { status: "error" },
        internalError: { status: "error", session_conflict: false },
      },
      async answer(request, { nowMs, signal, record }) {
        const holder = { ...callerOf(request, settings), sessionId: request.session_id };
        const isLegacy = settings.legacyBots && request.session_id === undefined;
        const sparedSinceMs = isLegacy ? nowMs - legacyReleaseSparesMs : undefined;
        const outcome = await release(table, holder, nowMs, sparedSinceMs, signal);
        if (outcome.code === "released") {
          record({
            event: "session_released",
            session_id: request.session_id,
            free_in_seconds: outcome.waitSeconds,
          });
        }
        return answerTo(outcome);
      },
    },
    service,
  );
}

export const handler = releaseHandler(serviceFromEnvironment());

function answerTo(outcome: ReleaseOutcome): Answer {
  const { code } = outcome;
  switch (code) {
    case "released":
      return answer("success", code, releasedMessage(outcome.waitSeconds));
    case "not_held":
      return answer("info", code, "Nothing to release.");
    case "left_to_lapse":
      return answer(
        "info",
        code,
        `Another copy of this bot may use the session, so it is not ended at once. It lapses in ${outcome.waitSeconds} s.`,
      );
  }
}

function answer(status: "success" | "info", code: string, message: string): Answer {
  return { statusCode: 200, body: { status, code, message } };
}

function releasedMessage(waitSeconds: number): string {
  return waitSeconds === 0
    ? "The session has ended."
    : `The session has ended. Another process on this device may still be running, so other devices must wait ${waitSeconds} s.`;
}
