import * as z from "zod/mini";
import { entrySchema, isShownAsLive } from "./session.ts";

/**
 * The single item of a license: everything that is read, checked and changed together.
 *
 * Attributes that no write condition checks have a default. Otherwise a write could be applied to
 * an item edited by hand, and its result could then not be read.
 */
export const licenseSchema = z.object({
  /** SHA-256 of the license key, hex. The key itself is stored nowhere. */
  license_id: z.string(),
  status: z.catch(z.enum(["active", "suspended", "cancelled"]), "suspended"),
  license_type: z.catch(z.string(), "standard"),
  email: z.catch(z.optional(z.string()), undefined),
  created_at: z.catch(z.optional(z.number()), undefined),
  /**
   * Epoch milliseconds; absent means the license never expires. An unreadable value means expired.
   */
  license_expiration: z.catch(z.optional(z.number()), 0),
  max_sessions: z.catch(z.number(), 0),
  /** Raised by every granted claim. Never goes back. */
  fencing_token: z.catch(z._default(z.number(), 0), Number.POSITIVE_INFINITY),
  sessions: z.record(z.string(), entrySchema),
});

export type License = z.infer<typeof licenseSchema>;

export type EndedCode = "license_suspended" | "license_cancelled" | "license_expired";

/** Why the license can't be used any more, or `undefined` while it can. */
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
export function activeSymbols(license: License, nowMs: number): string[] {
  return Object.entries(license.sessions)
    .filter(([, entry]) => isShownAsLive(entry, nowMs))
    .map(([symbol]) => symbol)
    .sort();
}

/** The first and the last instant that ISO 8601 writes with a four-digit year. */
const firstInstantMs = -62_167_219_200_000;
const lastInstantMs = 253_402_300_799_999;

/** The end of the license as an ISO 8601 instant, or `null` if it never expires. */
export function expirationIso({ license_expiration: expirationMs }: License): string | null {
  if (expirationMs === undefined) return null;
  const writableMs = Math.min(lastInstantMs, Math.max(firstInstantMs, expirationMs));
  // biome-ignore lint/style/noRestrictedGlobals: formats an instant and does not read the clock
  return new Date(writableMs).toISOString();
}

function isExpired(license: License, nowMs: number): boolean {
  return nowMs >= (license.license_expiration ?? Number.POSITIVE_INFINITY);
}
