import * as z from "zod/mini";
import {
  callerFields,
  type Problem,
  sessionIdField,
  shortTextField,
  symbolProblem,
} from "./fields.ts";

export const heartbeatRequestSchema = z.object({
  ...callerFields,
  session_id: sessionIdField,
  bot_version: shortTextField,
  status: shortTextField,
  metadata: z
    .optional(z.record(z.string(), z.unknown()))
    .register(z.globalRegistry, { description: "an object of at most 1024 bytes of JSON text" }),
  keep: z.optional(z.boolean()).register(z.globalRegistry, {
    description: "true: another device has asked for the session, and it is kept",
  }),
});

export type HeartbeatRequest = z.infer<typeof heartbeatRequestSchema>;

export function heartbeatProblem(request: HeartbeatRequest): Problem | undefined {
  if (request.symbols !== undefined && request.session_id === undefined) {
    return {
      field: "session_id",
      message: "session_id is missing: a heartbeat with symbols needs it",
    };
  }
  return symbolProblem(request);
}
