import type { Write } from "./memory-table.ts";
import { type StoredEntry, type StoredLicense, storedLicense } from "./stored-license.ts";
import { type Fail, trueMs, type WorldContext } from "./world-context.ts";

/**
 * The promises that each write of the table shows to be kept or broken. No write is excepted, and
 * none is told by its author: a grant is a session that was not there before.
 */
export function createWriteChecks(context: WorldContext, fail: Fail) {
  /** When each session of a symbol that is over had begun. */
  const over = new Map<string, number | undefined>();
  /** The latest state of a license, also of one that was deleted since. */
  const latest = new Map<string, StoredLicense>();
  /** How often each session was asked for. */
  const asks = new Map<string, number>();

  return {
    /** How often a session was asked for. */
    asksOf: (sessionId: string | undefined) => asks.get(sessionId ?? "") ?? 0,

    wrote({ licenseId, before: itemBefore, after: itemAfter }: Write): void {
      if (!itemAfter) return;
      const after = storedLicense(itemAfter);
      const before = itemBefore ? storedLicense(itemBefore) : latest.get(licenseId);
      latest.set(licenseId, after);
      if (!before) return;
      // A license that is created again has no token until its first grant, which has the time.
      const isCreated = !itemBefore && after.fencingToken === 0;
      if (after.fencingToken < before.fencingToken && !isCreated) {
        fail("tokens never go back", `from ${before.fencingToken} to ${after.fencingToken}`);
      }
      const granted = new Map<string, [string, StoredEntry][]>();
      for (const [symbol, entry] of after.entries) {
        const old = before.entries.get(symbol);
        if (!entry.isSession || entry.sessionId === undefined) continue;
        if (old?.isSession && old.sessionId === entry.sessionId) {
          if (old !== entry) checkLease(symbol, old, entry);
          continue;
        }
        const name = `${licenseId} ${symbol} ${entry.sessionId}`;
        // Another attempt of the SDK may make the session again that its request has made.
        if (over.has(name) && over.get(name) !== entry.startedAtMs) {
          fail("what is over stays over", `${symbol}: ${entry.sessionId} stands again`);
        }
        granted.set(entry.sessionId, [...(granted.get(entry.sessionId) ?? []), [symbol, entry]]);
      }
      for (const [symbol, old] of before.entries) {
        const entry = after.entries.get(symbol);
        const stands = entry?.isSession && entry.sessionId === old.sessionId;
        if (old.isSession && !stands)
          over.set(`${licenseId} ${symbol} ${old.sessionId}`, old.startedAtMs);
      }
      for (const grant of granted.values()) checkGrant(grant, before, after);
    },
  };

  function checkLease(symbol: string, old: StoredEntry, entry: StoredEntry): void {
    if ((entry.lastHeartbeatMs ?? 0) < (old.lastHeartbeatMs ?? 0)) {
      fail(
        "a timer never runs backwards",
        `${symbol} from ${old.lastHeartbeatMs} to ${entry.lastHeartbeatMs}`,
      );
    }
    if (old.leaseMs !== undefined && entry.leaseMs !== old.leaseMs) {
      fail("a lease keeps its length", `${symbol}: ${old.leaseMs} became ${entry.leaseMs} ms`);
    }
    if (old.token !== undefined && entry.token !== old.token) {
      fail("a grant keeps its token", `${symbol}: ${old.token} became ${entry.token}`);
    }
    if (entry.asked && entry.asked.atMs !== old.asked?.atMs)
      checkAsk(symbol, old, entry.asked.atMs);
  }

  function checkAsk(symbol: string, holder: StoredEntry, atMs: number): void {
    const isSilenced = (untilMs: number | undefined) => untilMs !== undefined && atMs < untilMs;
    if (!holder.isNamed || holder.lapsesAtMs <= atMs) {
      fail("only a holder that can answer is asked", `${symbol}, held by ${holder.device}`);
    }
    if (isSilenced(holder.asked?.untilMs) || isSilenced(holder.keptUntilMs)) {
      fail("a holder is asked once", `${symbol}, held by ${holder.device}`);
    }
    const id = holder.sessionId ?? "";
    asks.set(id, (asks.get(id) ?? 0) + 1);
  }

  function checkGrant(
    grant: readonly [string, StoredEntry][],
    before: StoredLicense,
    after: StoredLicense,
  ): void {
    const [[, session] = []] = grant;
    if (!session) return;
    const atMs = session.startedAtMs ?? 0;
    const symbols = grant.map(([symbol]) => symbol);
    const about = `${symbols.join(", ")} granted to ${session.device}`;
    if (Math.abs(atMs - trueMs(context)) > oldestWriteMs) {
      fail("a grant has the time of its request", `${about} at ${atMs}`);
    }
    if ((session.token ?? after.fencingToken) <= before.fencingToken) {
      fail("tokens rise", `${about} with ${session.token}, after ${before.fencingToken}`);
    }
    const own = symbols.flatMap((symbol) => before.entries.get(symbol) ?? []);
    for (const entry of own) {
      if (entry.device !== session.device && entry.freeAtMs > atMs) {
        fail("nothing is taken from a live holder", `${about}, though ${entry.device} has it`);
      }
      if (entry.device === session.device && isLate(session, entry, atMs)) {
        fail("an attempt of an opening that is over is no claim", about);
      }
      const isHeldNamed = entry.isSession && entry.isNamed && entry.lapsesAtMs > atMs;
      if (isHeldNamed && entry.device === session.device && session.runId === undefined) {
        fail("who names nothing touches no named session", about);
      }
    }
    const keepsSeats =
      own.length === symbols.length &&
      own.every(
        (entry) => entry.isSession && entry.device === session.device && entry.lapsesAtMs > atMs,
      );
    if (after.entries.size > after.maxSessions && !keepsSeats) {
      fail("seats", `${after.entries.size} symbols on ${after.maxSessions} seats after a claim`);
    }
    for (const [symbol, entry] of before.entries) {
      if (after.entries.has(symbol) || entry.freeAtMs <= atMs) continue;
      fail("nothing is taken from a live holder", `${symbol} is displaced: ${about}`);
    }
  }
}

/** The longest that a write may be under way, and what clocks are off. */
const oldestWriteMs = 130_000;

/** Whether what stands there says that the session's opening was over before the claim. */
function isLate(
  { runId, claimNumber = 0 }: StoredEntry,
  entry: StoredEntry,
  atMs: number,
): boolean {
  if (runId === undefined || entry.freeAtMs <= atMs) return false;
  // An own grant that has lapsed, and only waits for the process before, is claimed anew.
  const isOwnLapsed =
    entry.isSession && entry.claimNumber === claimNumber && entry.lapsesAtMs <= atMs;
  if (entry.runId === runId && (entry.claimNumber ?? 0) >= claimNumber) return !isOwnLapsed;
  return entry.replacedRun === runId && (entry.replacedNumber ?? 0) >= claimNumber;
}
