import { randomUUID } from "node:crypto";
import { type ClaimOutcome, claim } from "../rules/claim.ts";
import { type HeartbeatOutcome, heartbeat } from "../rules/heartbeat.ts";
import type { Caller } from "../rules/holder.ts";
import { freeAtMs, type LeaseTime, type StoredReport } from "../rules/session.ts";
import type { SessionTable } from "../store/table.ts";

/** A claim that a heartbeat made or failed to make. */
export type ClaimByHeartbeat = ClaimOutcome & { by: "heartbeat" };

/**
 * A heartbeat of a bot that names no session. Bots deployed before this service send these: they
 * claim only once, when they start. If nobody holds the symbol, the heartbeat claims it under all
 * rules of a claim, unless an operator ended the session.
 *
 * @throws any SDK error except the failed condition
 */
export async function legacyHeartbeat(
  table: SessionTable,
  caller: Caller,
  report: StoredReport,
  time: LeaseTime,
  signal: AbortSignal,
): Promise<HeartbeatOutcome | ClaimByHeartbeat> {
  const outcome = await heartbeat(table, { ...caller, sessionId: undefined }, report, time, signal);
  if (!isUnheld(outcome, time.nowMs)) return outcome;
  const claimed = await claim(
    table,
    { ...caller, claimId: randomUUID(), report, kind: "heartbeat" },
    time,
    signal,
  );
  return { ...claimed, by: "heartbeat" };
}

function isUnheld(outcome: HeartbeatOutcome, nowMs: number): boolean {
  switch (outcome.code) {
    case "session_not_found":
      return true;
    case "session_taken":
      return freeAtMs(outcome.entry) <= nowMs;
    default:
      return false;
  }
}
