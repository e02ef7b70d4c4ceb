import * as z from "zod/mini";

/** A session as it stands in the item of its license. Times are epoch milliseconds. */
export const sessionSchema = z.object({
  device_fingerprint: z.string(),
  session_id: z.string(),
  started_at: z.number(),
  last_heartbeat: z.number(),
  bot_version: z.optional(z.string()),
  bot_status: z.optional(z.string()),
  /** The JSON text the bot sent, to the letter. */
  metadata: z.optional(z.string()),
});

export type Session = z.infer<typeof sessionSchema>;

/** The entry of a bot that names no symbol. It can't be asked for: `*` is no character of a symbol. */
export const noSymbol = "*";

/**
 * A session is live while less than the time-out has passed since its last heartbeat. At exactly
 * the time-out it has lapsed. Nothing else decides whether a session is live.
 */
export function isLive(session: Session, nowMs: number, sessionTimeoutMs: number): boolean {
  return nowMs - session.last_heartbeat < sessionTimeoutMs;
}

/**
 * `isLive` turned round for a condition expression: a session whose `last_heartbeat` is this
 * instant (epoch milliseconds) or earlier has lapsed.
 */
export function lapsedAtOrBeforeMs(nowMs: number, sessionTimeoutMs: number): number {
  return nowMs - sessionTimeoutMs;
}

/** Seconds until the session lapses unless another heartbeat comes; rounded up, never negative. */
export function secondsUntilLapse(
  session: Session,
  nowMs: number,
  sessionTimeoutMs: number,
): number {
  return Math.max(0, Math.ceil((session.last_heartbeat + sessionTimeoutMs - nowMs) / 1000));
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
