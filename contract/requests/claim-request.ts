import * as z from "zod/mini";
import {
  callerFields,
  openingFields,
  openingProblem,
  type Problem,
  symbolProblem,
} from "./fields.ts";

export const claimRequestSchema = z.object({
  ...callerFields,
  ...openingFields,
  only_if_free: z.optional(z.boolean()).register(z.globalRegistry, {
    description: "true: refuse also while this device holds the symbol",
  }),
  ask_holder: z.optional(z.boolean()).register(z.globalRegistry, {
    description:
      "true: a refusal leaves a note with the holder, which may release or keep the session",
  }),
  check_only: z
    .optional(z.boolean())
    .register(z.globalRegistry, { description: "true: only report what the claim would meet" }),
});

export type ClaimRequest = z.infer<typeof claimRequestSchema>;

export function claimProblem(request: ClaimRequest): Problem | undefined {
  if (request.symbols !== undefined && request.run_id === undefined) {
    return { field: "run_id", message: "run_id is missing: a claim with symbols needs it" };
  }
  return symbolProblem(request) ?? openingProblem(request);
}
