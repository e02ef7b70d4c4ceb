import * as z from "zod/mini";
import {
  callerFields,
  openingFields,
  openingProblem,
  type Problem,
  sessionIdField,
  symbolProblem,
} from "./fields.ts";

export const releaseRequestSchema = z.object({
  ...callerFields,
  session_id: sessionIdField,
  ...openingFields,
});

export type ReleaseRequest = z.infer<typeof releaseRequestSchema>;

export function releaseProblem(request: ReleaseRequest): Problem | undefined {
  const { symbols, session_id, run_id } = request;
  if (symbols !== undefined && session_id === undefined && run_id === undefined) {
    return {
      field: "session_id",
      message: "session_id is missing: a release with symbols needs it, or run_id and claim_number",
    };
  }
  return symbolProblem(request) ?? openingProblem(request);
}
