import * as z from "zod/mini";
import { isWellFormed, licenseIdOf, licenseKeySchema } from "./license-key.ts";
import type { Service } from "./routes/service.ts";
import type { Caller } from "./rules/holder.ts";
import { noSymbol } from "./rules/session.ts";

/** A caller that sends one gets a signed answer, if the service has a key. */
export const nonceSchema = z.string().check(z.regex(/^[\x20-\x7e]{16,128}$/));

/** A symbol as a bot names it. Parsing converts it to the form that is stored. */
export const symbolSchema = z.string().check(
  z.trim(),
  z.regex(/^[\x20-\x7e]{1,64}$/),
  z.toUpperCase(),
  z.refine((symbol) => symbol !== noSymbol),
);

/**
 * The fields of a request on the wire. A field's description also appears in the message of the 400
 * that refuses it.
 */
export const callerSchema = z.object({
  license_key: licenseKeySchema,
  device_fingerprint: z
    .string()
    .check(
      z.minLength(1),
      z.maxLength(255),
      z.refine(isWellFormed),
      z.describe("1 to 255 characters"),
    ),
  symbol: z
    .optional(symbolSchema)
    .check(
      z.describe(
        "1 to 64 printable ASCII characters, but not * alone; space around it and case are ignored",
      ),
    ),
  nonce: z
    .optional(nonceSchema)
    .check(z.describe("16 to 128 printable ASCII characters, fresh for each request")),
});

export const holderSchema = z.extend(callerSchema, {
  session_id: z
    .optional(z.string().check(z.minLength(1), z.maxLength(64), z.refine(isWellFormed)))
    .check(z.describe("the session_id of the claim, 1 to 64 characters")),
});

export type CallerRequest = z.infer<typeof callerSchema>;

/** Converts the request for `sessions/`. The license key is not passed on from here. */
export function callerOf(request: CallerRequest, settings: Service["settings"]): Caller {
  return {
    licenseId: licenseIdOf(request.license_key),
    deviceFingerprint: request.device_fingerprint,
    sessionSymbol: (settings.multiSymbolSessions && request.symbol) || noSymbol,
  };
}
