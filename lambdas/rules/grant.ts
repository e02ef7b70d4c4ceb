import type { Claim, ClaimOutcome, Met } from "./claim.ts";
import {
  freeAtMs,
  portfolioPath,
  type ResolvedEntry,
  type Session,
  type Stored,
  sessionPath,
} from "./entry.ts";
import {
  distinctPaths,
  emptiedPortfolios,
  sessionAt,
  standing,
  timeoutInForceMs,
} from "./license.ts";
import type { Plan, Seen } from "./rule-run.ts";
import { seatsFor } from "./seats.ts";
import { isFree } from "./session-predicates.ts";
import { placeOf } from "./session-request.ts";

/** The grant of a claim that has nothing in its way. */
export function firstGrant(request: Claim): Plan<ClaimOutcome> {
  return grant(request, newSession(request, request.nowMs, request.sessionTimeoutMs), []);
}

/** A new grant, if it gets its seats. The leases that it takes from must not be renewed in between. */
export function newGrant(met: Met): Plan<ClaimOutcome> {
  const { request, asking, seen, placed, own } = met;
  const { license } = seen;
  const seats = seatsFor(met);
  if (seats.code === "session_limit") return { outcome: seats };
  const token = Math.max(request.nowMs, license.fencing_token + 1);
  if (!Number.isSafeInteger(token))
    throw new Error("The fencing token of the license can't grow any more");
  const displaced = standing(license, seats.displaced);
  for (const path of distinctPaths([...placed, ...displaced])) asking.leaseAsSeen(path);
  // A heartbeat in the same millisecond may name a session and leave the end of its lease.
  if (request.opening === undefined) {
    for (const { path } of own) asking.asSeen([...path, "confirmed"]);
  }
  const ownInUse = own.filter(({ path }) => !asking.is(isFree(path, request.nowMs)));
  const contestedUntilMs = Math.max(...ownInUse.map(({ entry }) => freeAtMs(entry)));
  const lease = timeoutInForceMs(license, request.sessionTimeoutMs);
  const session = {
    ...newSession(request, token, lease, own.at(-1)?.entry),
    ...(ownInUse.length > 0 && { contested_until: contestedUntilMs }),
  };
  return grant(request, session, seats.displaced, seen);
}

/**
 * @param displaced the symbols whose entries give up their seats
 * @param seen if anything stood in the way; else the license has `portfolios`, and all are in use
 */
function grant(
  request: Claim,
  session: Stored<Session>,
  displaced: readonly string[],
  seen?: Seen,
): Plan<ClaimOutcome> {
  const { symbols, portfolioKey, nowMs } = request;
  const hasPortfolios = !seen || seen.stored.portfolios !== undefined;
  const emptied = seen ? emptiedPortfolios(seen.license, [...symbols, ...displaced]) : [];
  const place =
    portfolioKey === undefined
      ? symbols.map((symbol) => [sessionPath(symbol), session] as const)
      : [
          ...symbols.map((symbol) => [sessionPath(symbol), portfolioKey] as const),
          hasPortfolios
            ? ([portfolioPath(portfolioKey), session] as const)
            : ([["portfolios"], { [portfolioKey]: session }] as const),
        ];
  return {
    change: {
      set: [...place, [["fencing_token"], session.fencing_token ?? nowMs]],
      remove: [...displaced.map(sessionPath), ...emptied.map(portfolioPath)],
    },
    applied: ({ before, after }) => ({
      code: "granted",
      ...after,
      session: sessionAt(after.license, placeOf(request)),
      isNew: true,
      replaced: standing(before.license, symbols),
      displaced: standing(before.license, displaced),
    }),
  };
}

/** @param own what it takes of its own device */
function newSession(
  { deviceFingerprint, sessionId, opening, nowMs, legacy }: Claim,
  token: number,
  newLeaseMs: number,
  own?: ResolvedEntry,
): Stored<Session> {
  return {
    device_fingerprint: deviceFingerprint,
    session_id: sessionId,
    fencing_token: token,
    ...(opening && { run_id: opening.runId, claim_number: opening.claimNumber }),
    started_at: nowMs,
    last_heartbeat: nowMs,
    lease_ms: newLeaseMs,
    lapses_at: nowMs + newLeaseMs,
    ...(own && replacedOpening(own)),
    ...legacy?.attributes(own),
  };
}

/** The opening that the new session replaces, for its late attempts. */
function replacedOpening(entry: ResolvedEntry) {
  if (entry.kind === "unreadable") return {};
  const { run_id, claim_number } = entry;
  if (run_id === undefined || claim_number === undefined) return {};
  return { replaced_run: run_id, replaced_number: claim_number };
}
