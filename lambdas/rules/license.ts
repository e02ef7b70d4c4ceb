import * as z from "zod/mini";
import {
  type Entry,
  entrySchema,
  portfolioPath,
  portfolioSchema,
  type ResolvedEntry,
  type Session,
  sessionPath,
} from "./entry.ts";
import { holds, type Path } from "./predicate.ts";
import { isLive } from "./session-predicates.ts";

/**
 * The single item of a license: everything that is read, checked and changed together.
 *
 * Attributes that no condition checks have a default. Otherwise a write could be applied to an item
 * edited by hand, and its result could then not be read.
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
  /**
   * The license's own timeout; absent means that of the service. With an unreadable one no claim can
   * be written.
   */
  session_timeout_seconds: z.catch(z.optional(z.int()), Number.NaN),
  max_sessions: z.catch(z.number(), 0),
  /** Raised by every write but a heartbeat. Never goes back. */
  fencing_token: z.catch(z._default(z.number(), 0), Number.POSITIVE_INFINITY),
  sessions: z.record(z.string(), entrySchema),
  portfolios: z.catch(z.optional(z.record(z.string(), portfolioSchema)), undefined),
});

export type License = z.infer<typeof licenseSchema>;

export type EndedCode = "license_suspended" | "license_cancelled" | "license_expired";

/** What refuses every request for the license. */
export type LicenseCode = "license_unknown" | EndedCode;

/** Why the license can't be used any more, or `undefined` while it can. */
export function endedCode(
  license: Pick<License, "status" | "license_expiration">,
  nowMs: number,
): EndedCode | undefined {
  switch (license.status) {
    case "suspended":
      return "license_suspended";
    case "cancelled":
      return "license_cancelled";
    case "active":
      return nowMs >= (license.license_expiration ?? Number.POSITIVE_INFINITY)
        ? "license_expired"
        : undefined;
  }
}

/** @param commonMs the timeout of a license that has none of its own */
export function timeoutInForceMs(
  { session_timeout_seconds }: Pick<License, "session_timeout_seconds">,
  commonMs: number,
): number {
  return session_timeout_seconds === undefined ? commonMs : session_timeout_seconds * 1_000;
}

/** What stands for a symbol, and where: the entry itself or, for a member, its session. */
export type PlacedEntry = { path: Path; entry: ResolvedEntry };

/** Each place once: several symbols may belong to one session. */
export function distinctPaths(placed: readonly PlacedEntry[]): Path[] {
  return [...new Map(placed.map(({ path }) => [String(path), path])).values()];
}

/** @returns `undefined` if nothing stands for the symbol, or a member whose session is gone */
export function entryAt(license: Sessions, symbol: string): PlacedEntry | undefined {
  const entry = ownValue(license.sessions, symbol);
  if (entry === undefined) return undefined;
  if (entry.kind !== "member") return { path: sessionPath(symbol), entry };
  const session = ownValue(license.portfolios ?? {}, entry.portfolioKey);
  return session && { path: portfolioPath(entry.portfolioKey), entry: session };
}

/** What stands for a symbol, which symbol, and where. */
export type Standing = PlacedEntry & { symbol: string };

export function standing(license: Sessions, symbols: readonly string[]): Standing[] {
  return symbols.flatMap((symbol) => {
    const placed = entryAt(license, symbol);
    return placed ? [{ symbol, ...placed }] : [];
  });
}

type Sessions = {
  sessions: Readonly<Record<string, Entry>>;
  portfolios?: Readonly<Record<string, ResolvedEntry>> | undefined;
};

/** @throws Error unless a session is stored there */
export function sessionAt(license: Sessions, [map, name = ""]: Path): Session {
  const entry = ownValue(
    map === "portfolios" ? (license.portfolios ?? {}) : license.sessions,
    name,
  );
  if (entry?.kind !== "session") throw new Error("A session is not where it was written");
  return entry;
}

/** The symbols of a session of several. */
export function membersOf({ sessions }: Pick<License, "sessions">, key: string): string[] {
  return Object.entries(sessions)
    .filter(([, entry]) => entry.kind === "member" && entry.portfolioKey === key)
    .map(([symbol]) => symbol);
}

/** Whether a session of several, or a symbol of one, has the key: none is used twice in an item. */
export function isKeyInUse(license: License, key: string): boolean {
  return (
    ownValue(license.portfolios ?? {}, key) !== undefined || membersOf(license, key).length > 0
  );
}

/** The portfolios that have no member once these symbols have left them. */
export function emptiedPortfolios(license: License, leaving: readonly string[]): string[] {
  return Object.keys(license.portfolios ?? {}).filter((key) =>
    membersOf(license, key).every((symbol) => leaving.includes(symbol)),
  );
}

/** The symbols with a live session, in alphabetical order. */
export function activeSymbols(license: Sessions, nowMs: number): string[] {
  return Object.keys(license.sessions)
    .filter((symbol) => {
      const path = entryAt(license, symbol)?.path;
      return path !== undefined && holds(isLive(path, nowMs), license);
    })
    .sort();
}

function ownValue<Value>(record: Readonly<Record<string, Value>>, name: string): Value | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined;
}

/** The first and the last instant that ISO 8601 writes with a four-digit year. */
const firstInstantMs = -62_167_219_200_000;
const lastInstantMs = 253_402_300_799_999;

/** The end of the license as an ISO 8601 instant, or `null` if it never expires. */
export function expirationIso({
  license_expiration: expirationMs,
}: Pick<License, "license_expiration">): string | null {
  if (expirationMs === undefined) return null;
  const writableMs = Math.min(lastInstantMs, Math.max(firstInstantMs, expirationMs));
  // biome-ignore lint/style/noRestrictedGlobals: formats an instant and does not read the clock
  return new Date(writableMs).toISOString();
}
