import { type Handler, toHandler } from "./http.ts";
import { callerOf, holderSchema } from "./request.ts";
import { type Service, serviceFromEnvironment } from "./service.ts";
import { release } from "./sessions/release.ts";

/** `POST /api/session/release`: ends the caller's session; a polite no if it holds none. */
export function releaseHandler({ settings, table, now }: Service): Handler {
  return toHandler(
    {
      schema: holderSchema,
      maxBytesOfText: {},
      fieldsOf: {
        badRequest: { status: "error" },
        internalError: { status: "error", session_conflict: false },
      },
      async answer(request, { signal }) {
        const holder = { ...callerOf(request, settings), sessionId: request.session_id };
        const { code } = await release(table, holder, signal);
        return code === "released"
          ? { statusCode: 200, body: { status: "success", code, message: "The session is ended." } }
          : { statusCode: 200, body: { status: "info", code, message: "Nothing to release." } };
      },
    },
    now,
  );
}

export const handler = releaseHandler(serviceFromEnvironment());
