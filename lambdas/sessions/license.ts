import * as z from "zod/mini";
import { isLive, sessionSchema } from "./session.ts";

/** The one item of a license: everything that is read, judged and changed together. */
export const licenseSchema = z.object({
  /** SHA-256 of the license key, hex. The key itself is stored nowhere. */
  license_id: z.string(),
  status: z.enum(["active", "suspended", "cancelled"]),
  license_type: z.string(),
  email: z.optional(z.string()),
  created_at: z.optional(z.number()),
  /** Epoch milliseconds; absent means the license never expires. */
  license_expiration: z.optional(z.number()),
  max_sessions: z.int().check(z.positive()),
  /** How many claims have been granted so far. Never goes back. */
  fencing_token: z._default(z.int().check(z.nonnegative()), 0),
  sessions: z.record(z.string(), sessionSchema),
});

export type License = z.infer<typeof licenseSchema>;

export type EndedCode = "license_suspended" | "license_cancelled" | "license_expired";

export const endedMessages: Record<EndedCode, string> = {
  license_suspended: "The license is suspended.",
  license_cancelled: "The license is cancelled.",
  license_expired: "The license has expired.",
};

/** Why the license may not be used any more, or `undefined` while it may. */
export function endedCode(license: License, nowMs: number): EndedCode | undefined {
  switch (license.status) {
    case "suspended":
      return "license_suspended";
    case "cancelled":
      return "license_cancelled";
    case "active":
      return isExpired(license, nowMs) ? "license_expired" : undefined;
  }
}

/** The symbols with a live session, in alphabetical order. */
export function activeSymbols(license: License, nowMs: number, sessionTimeoutMs: number): string[] {
  return Object.entries(license.sessions)
    .filter(([, session]) => isLive(session, nowMs, sessionTimeoutMs))
    .map(([symbol]) => symbol)
    .sort();
}

/** The end of the license as an ISO 8601 instant, or `null` if it never expires. */
export function expirationIso(license: License): string | null {
  if (license.license_expiration === undefined) return null;
  // biome-ignore lint/style/noRestrictedGlobals: it formats an instant, and reads no clock
  return new Date(license.license_expiration).toISOString();
}

function isExpired(license: License, nowMs: number): boolean {
  return license.license_expiration !== undefined && nowMs >= license.license_expiration;
}
