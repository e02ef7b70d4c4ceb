import * as z from "zod";
import {
  deviceOf,
  type ResolvedEntry,
  reportSchema,
  type Session,
  type StoredReport,
  secondsUntilFree,
} from "../../lambdas/rules/entry.ts";
import { type EndedCode, endedCode, entryAt, licenseSchema } from "../../lambdas/rules/license.ts";
import { deviceHash } from "../../lambdas/rules/shown-device.ts";

export const dayMs = 86_400_000;

export const defaultLicenseType = "standard";

/** The instants that ISO 8601 writes with a four-digit year. */
const instantMs = z.int().min(-62_167_219_200_000).max(253_402_300_799_999);

/**
 * The item of a license, including the attributes that only operators use. Unlike the functions,
 * the tools accept no invalid attribute: a default must not pass for what was sold.
 */
export const licenseItemSchema = z.object({
  /** The key of the table: SHA-256 of the license key, hex. */
  license_id: z.string(),
  /** `active`, `suspended` or `cancelled`. */
  status: z.enum(["active", "suspended", "cancelled"]),
  /** For people. */
  license_type: z.string().default(defaultLicenseType),
  /** For people. */
  email: z.string().optional(),
  /** For people. */
  created_at: instantMs.optional(),
  /** The instant at which it ends; absent: never. */
  license_expiration: instantMs.optional(),
  /** How many symbols may be held at a time. */
  max_sessions: z.int().positive(),
  /** The license's own timeout; absent if it has the service's. */
  session_timeout_seconds: z.int().positive().optional(),
  /**
   * Raised by every write but a heartbeat, and so the item's version. A grant's token is the greater
   * of the instant and the last token plus 1.
   */
  fencing_token: z.int().nonnegative().default(0),
  /** Symbol to entry; a bot that names no symbol has the entry `*`. */
  sessions: licenseSchema.shape.sessions,
  /** Key to session of several symbols, or to a vacancy of several. */
  portfolios: licenseSchema.shape.portfolios,
  /** Identifies the last change, so that a retried write can tell whether it was applied before. */
  change_id: z.string().optional(),
  /** The last operations over several licenses that changed this one; one of them is not applied twice. */
  operations: z.array(z.string()).optional(),
  /** Who made the last change. */
  changed_by: z.string().optional(),
  /** When, by the table's clock. */
  changed_at: instantMs.optional(),
  /** Why. */
  change_reason: z.string().optional(),
  /** The id under the license's new key. This item is then `cancelled` and never changes again. */
  superseded_by: z.string().optional(),
  /** The id under the license's key before. */
  supersedes: z.string().optional(),
  /** What `status` was when the license was superseded. */
  superseded_status: z.enum(["active", "suspended", "cancelled"]).optional(),
});

export type LicenseItem = z.infer<typeof licenseItemSchema>;

/**
 * Whether the item is a placeholder for a key that never worked (see `rekey-license.ts`). A rekeyed
 * license keeps its earlier status in `superseded_status`; a placeholder never had one.
 */
export function isPlaceholder(
  license: LicenseItem,
): license is LicenseItem & { superseded_by: string } {
  return license.superseded_by !== undefined && license.superseded_status === undefined;
}

/** The id of the license under its present key. */
export function currentId(byId: ReadonlyMap<string, LicenseItem>, licenseId: string): string {
  let id = licenseId;
  for (const seen = new Set<string>(); !seen.has(id); ) {
    seen.add(id);
    const license = byId.get(id);
    if (!license?.superseded_by || isPlaceholder(license)) return id;
    id = license.superseded_by;
  }
  return id;
}

export const standings = ["active", "suspended", "cancelled", "expired", "rekeyed"] as const;

export type Standing = (typeof standings)[number];

/** Whether the license can be used now and, if not, why: its status and expiration in one word. */
export function standingOf(license: LicenseItem, nowMs: number): Standing {
  if (license.superseded_by !== undefined) return "rekeyed";
  const ended = endedCode(license, nowMs);
  return ended ? endedStandings[ended] : "active";
}

const endedStandings: Record<EndedCode, Standing> = {
  license_suspended: "suspended",
  license_cancelled: "cancelled",
  license_expired: "expired",
};

/** Whole days until the license ends; 0 once it has ended, `null` if it never ends. */
export function daysLeft({ license_expiration }: LicenseItem, nowMs: number): number | null {
  if (license_expiration === undefined) return null;
  return Math.max(0, Math.floor((license_expiration - nowMs) / dayMs));
}

/**
 * A license as every verb prints it with `--json`: all attributes as stored (times in epoch
 * milliseconds, `null` if absent), and values derived from them for the current time.
 */
export function licenseView(license: LicenseItem, nowMs: number) {
  const sessions = entriesOf(license).map(([symbol, { kind, ...entry }]) => {
    const standing = { kind, ...entry } as ResolvedEntry;
    const device = deviceOf(standing);
    const held = standing.kind === "session" ? standing : undefined;
    const view = {
      state: entryState(standing, nowMs),
      seconds_left: secondsUntilFree(standing, nowMs),
      /** Of its device, or the one that it is kept for: as the history has it. */
      device_hash: device === undefined ? null : deviceHash(license.license_id, device),
      ...entry,
      ...reportView(held),
    };
    return [symbol, view] as const;
  });
  return {
    license_id: license.license_id,
    standing: standingOf(license, nowMs),
    status: license.status,
    license_type: license.license_type,
    email: license.email ?? null,
    created_at: license.created_at ?? null,
    license_expiration: license.license_expiration ?? null,
    days_left: daysLeft(license, nowMs),
    max_sessions: license.max_sessions,
    session_timeout_seconds: license.session_timeout_seconds ?? null,
    fencing_token: license.fencing_token,
    superseded_by: license.superseded_by ?? null,
    changed_by: license.changed_by ?? null,
    changed_at: license.changed_at ?? null,
    change_reason: license.change_reason ?? null,
    live_sessions: sessions.filter(([, { state }]) => state === "live").length,
    sessions: Object.fromEntries(sessions),
  };
}

/** All fields of the schema that a bot may report; `null` if it did not report one. */
export function reportView(
  session: Session | undefined,
): Record<keyof StoredReport, string | null> {
  const names = Object.keys(reportSchema.shape) as (keyof StoredReport)[];
  const entries = names.map((name) => [name, session?.[name] ?? null]);
  // The entries cover all keys of the schema, which the type checker can't see.
  return Object.fromEntries(entries) as ReturnType<typeof reportView>;
}

/** `ended` by an operator or `released` by its bot; both keep the symbol until they lapse. */
type EntryState = "live" | "lapsed" | "ended" | "released" | "unreadable";

export function entryState(entry: ResolvedEntry, nowMs: number): EntryState {
  switch (entry.kind) {
    case "session":
      return nowMs < entry.lapses_at ? "live" : "lapsed";
    case "vacancy":
      return entry.ended_at === undefined ? "released" : "ended";
    case "unreadable":
      return "unreadable";
  }
}

/** The last heartbeat of any session that it holds or held last, epoch milliseconds. */
export function lastHeartbeatMs(license: LicenseItem): number | undefined {
  const beats = entriesOf(license).flatMap(([, entry]) =>
    entry.kind === "session" ? [entry.last_heartbeat] : [],
  );
  return beats.length > 0 ? Math.max(...beats) : undefined;
}

/** What stands for each symbol; that of a session of several for each of its symbols. */
export function entriesOf(license: LicenseItem): [symbol: string, ResolvedEntry][] {
  return Object.keys(license.sessions).flatMap((symbol) => {
    const standing = entryAt(license, symbol);
    return standing ? [[symbol, standing.entry]] : [];
  });
}
