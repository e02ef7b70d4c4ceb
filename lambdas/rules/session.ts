import * as z from "zod/mini";

const reported = z.catch(z.optional(z.string()), undefined);

/** What a bot reports about itself, as it is stored. A new field goes here and into the handler. */
export const reportSchema = z.object({
  bot_version: reported,
  bot_status: reported,
  /** The JSON text exactly as the bot sent it. */
  metadata: reported,
});

/** Fields that a bot leaves out of a report keep their stored value. */
export type StoredReport = Required<z.infer<typeof reportSchema>>;

/** A session as it is stored in the item of its license. Times are epoch milliseconds. */
export const sessionSchema = z.object({
  device_fingerprint: z.string(),
  session_id: z.string(),
  started_at: z.number(),
  /** The timer. It never runs backwards. */
  last_heartbeat: z.number(),
  /**
   * The end of the lease: `last_heartbeat` plus the timeout that applied then, never moved back.
   */
  lapses_at: z.number(),
  /**
   * Until then, a process on the same device that this claim replaced may believe that it holds the
   * session. An instant in the past marks a session that two legacy bots may share.
   */
  contested_until: z.optional(z.number()),
  ...reportSchema.shape,
});

/**
 * An entry without a holder. Until `lapses_at`, the device that held it may believe that it still
 * does, so only that device may claim. No heartbeat revives the entry.
 */
export const vacancySchema = z.object({
  vacated_by: z.string(),
  /** The claim that is over. A late attempt at it must not count as a new claim. */
  vacated_session_id: z.optional(z.string()),
  lapses_at: z.number(),
  /** An operator ended the session. */
  ended: z.optional(z.literal(true)),
});

/** An entry that is unreadable, because somebody edited it by hand. It never lapses. */
const unreadable = { unreadable: true, lapses_at: Number.POSITIVE_INFINITY } as const;

export const entrySchema = z.catch(z.union([sessionSchema, vacancySchema]), unreadable as never);

export type Session = z.infer<typeof sessionSchema>;
export type Vacancy = z.infer<typeof vacancySchema>;
export type Entry = Session | Vacancy | typeof unreadable;

/** The entry of a bot that names no symbol. It can't be requested: `*` is no valid symbol. */
export const noSymbol = "*";

/** The one clock reading of the request, epoch milliseconds, and the session timeout in force. */
export type LeaseTime = { nowMs: number; sessionTimeoutMs: number };

/** The attributes of a lease that begins or is renewed at `nowMs`. */
export function leaseFrom(nowMs: number, sessionTimeoutMs: number) {
  return { last_heartbeat: nowMs, lapses_at: nowMs + sessionTimeoutMs };
}

/** The length of the holder's current lease, milliseconds. May differ from the timeout in force. */
export function leaseMs({ last_heartbeat, lapses_at }: Session): number {
  return lapses_at - last_heartbeat;
}

export function isSession(entry: Entry): entry is Session {
  return "session_id" in entry;
}

export function isVacancy(entry: Entry): entry is Vacancy {
  return "vacated_by" in entry;
}

/**
 * A session is live up to, but not including, the instant it lapses at. This is only for display:
 * `freeAtMs` decides when another device may claim.
 */
export function isShownAsLive(entry: Entry, nowMs: number): boolean {
  return isSession(entry) && nowMs < entry.lapses_at;
}

/** The device that holds the entry, or that held it last. */
export function deviceOf(entry: Entry): string | undefined {
  if (isSession(entry)) return entry.device_fingerprint;
  return isVacancy(entry) ? entry.vacated_by : undefined;
}

/**
 * When another device may claim the entry, epoch milliseconds: once its lease is over, and so are
 * the leases of all processes that it replaced. The condition in `claim.ts` applies the same rule.
 */
export function freeAtMs(entry: Entry): number {
  const contestedUntilMs = isSession(entry) ? (entry.contested_until ?? 0) : 0;
  return Math.max(entry.lapses_at, contestedUntilMs);
}

/** Seconds until another device may claim the entry; rounded up, never negative. */
export function secondsUntilFree(entry: Entry, nowMs: number): number {
  return Math.max(0, Math.ceil((freeAtMs(entry) - nowMs) / 1000));
}

/**
 * The part of a device fingerprint that others may see: at most 8 characters and never more than
 * half, so that a caller who knows the key can't pose as the holder.
 */
export function maskFingerprint(deviceFingerprint: string): string {
  const characters = [...deviceFingerprint];
  const shownLength = Math.min(8, Math.floor(characters.length / 2));
  return `${characters.slice(0, shownLength).join("")}...`;
}
