import * as z from "zod/mini";

const reported = z.catch(z.optional(z.string()), undefined);

/** What a bot reports of itself, as it is stored. A new field goes here and into the handler. */
export const reportSchema = z.object({
  bot_version: reported,
  bot_status: reported,
  /** The JSON text the bot sent, to the letter. */
  metadata: reported,
});

/** What a bot leaves out of a report stays as it was stored. */
export type StoredReport = Required<z.infer<typeof reportSchema>>;

/** A session as it stands in the item of its license. Times are epoch milliseconds. */
export const sessionSchema = z.object({
  device_fingerprint: z.string(),
  session_id: z.string(),
  started_at: z.number(),
  /** The timer. It never runs backwards. */
  last_heartbeat: z.number(),
  /** The end of the lease: `last_heartbeat` and the timeout that its holder was given then. */
  lapses_at: z.number(),
  /**
   * A process that this claim replaced, on the same device, may believe until then that it holds.
   * An instant that is past marks a session that two legacy bots may share.
   */
  contested_until: z.optional(z.number()),
  ...reportSchema.shape,
});

/**
 * An entry without holder: the device that held it may believe until `lapses_at` that it still does. No
 * heartbeat revives it, and until then only the same device may claim.
 */
export const vacancySchema = z.object({
  vacated_by: z.string(),
  /** The claim that is over: a late attempt at it is not a new one. */
  vacated_session_id: z.optional(z.string()),
  lapses_at: z.number(),
  /** An operator ended the session. */
  ended: z.optional(z.literal(true)),
});

/** An entry that somebody edited by hand until nobody can read it. It never lapses. */
const unreadable = { unreadable: true, lapses_at: Number.POSITIVE_INFINITY } as const;

export const entrySchema = z.catch(z.union([sessionSchema, vacancySchema]), unreadable as never);

export type Session = z.infer<typeof sessionSchema>;
export type Vacancy = z.infer<typeof vacancySchema>;
export type Entry = Session | Vacancy | typeof unreadable;

/** The entry of a bot that names no symbol. It can't be asked for: `*` alone is no symbol. */
export const noSymbol = "*";

/** The one clock reading of the request, epoch milliseconds, and the timeout it gives. */
export type LeaseTime = { nowMs: number; sessionTimeoutMs: number };

/** What is stored of a lease that begins or is renewed at `nowMs`. */
export function leaseFrom(nowMs: number, sessionTimeoutMs: number) {
  return { last_heartbeat: nowMs, lapses_at: nowMs + sessionTimeoutMs };
}

/** How long a lease its holder was given last, milliseconds: not always what is given now. */
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
 * A session is live until the instant it lapses at, which is no longer part of it. This is what is
 * shown; when another device may claim is decided by `freeAtMs`.
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
 * When another device may have the entry, epoch milliseconds: its lease is over, and that of every
 * process it was taken from. The condition of a claim, in `claim.ts`, says the same.
 */
export function freeAtMs(entry: Entry): number {
  const contestedUntilMs = isSession(entry) ? (entry.contested_until ?? 0) : 0;
  return Math.max(entry.lapses_at, contestedUntilMs);
}

/** Seconds until another device may have the entry; rounded up, never negative. */
export function secondsUntilFree(entry: Entry, nowMs: number): number {
  return Math.max(0, Math.ceil((freeAtMs(entry) - nowMs) / 1000));
}

/**
 * As much of a device fingerprint as anyone but its owner may see: at most 8 characters and never
 * more than half, so that a caller who knows the key can't pose as the holder.
 */
export function maskFingerprint(deviceFingerprint: string): string {
  const characters = [...deviceFingerprint];
  const shownLength = Math.min(8, Math.floor(characters.length / 2));
  return `${characters.slice(0, shownLength).join("")}...`;
}
