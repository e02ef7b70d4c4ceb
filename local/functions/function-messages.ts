import * as z from "zod";

/** From the gateway to the process of a function. */
export type InvocationMessage = {
  requestId: string;
  event: unknown;
  /** Epoch milliseconds at which the function's time is up. */
  deadlineMs: number;
};

/** From the process of a function to the gateway. */
export const functionMessageSchema = z.discriminatedUnion("kind", [
  z.object({ kind: z.literal("loaded") }),
  z.object({ kind: z.literal("load_failed") }),
  z.object({
    kind: z.literal("answered"),
    requestId: z.string(),
    result: z.unknown().optional(),
  }),
  z.object({ kind: z.literal("threw"), requestId: z.string() }),
]);

export type FunctionMessage = z.infer<typeof functionMessageSchema>;
