const dayMs = 86_400_000;

/**
 * Whether this heartbeat is the first after the second of the day that belongs to the session. So each
 * session has one line for each UTC day, and not all of them come at midnight.
 *
 * @param beforeMs the heartbeat before, epoch milliseconds
 */
export function isDailyLineDue(sessionId: string, beforeMs: number, nowMs: number): boolean {
  // A session_id begins with random hex digits.
  const secondOfDay = (Number.parseInt(sessionId.slice(0, 8), 16) || 0) % 86_400;
  const day = (instantMs: number) => Math.floor((instantMs - secondOfDay * 1_000) / dayMs);
  return day(beforeMs) < day(nowMs);
}
