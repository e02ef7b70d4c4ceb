import { randomUUID } from "node:crypto";
import { type ClaimOutcome, claim } from "./claim.ts";
import { type HeartbeatOutcome, heartbeat } from "./heartbeat.ts";
import type { Caller } from "./holder.ts";
import { freeAtMs, type LeaseTime, type StoredReport } from "./session.ts";
import type { SessionTable } from "./table.ts";

/** A claim that a heartbeat made or failed to make. */
export type ClaimByHeartbeat = ClaimOutcome & { by: "heartbeat" };

/**
 * A heartbeat of a bot that names no session, as the bots do that were deployed before this service:
 * they claim once, when they start, and never again. If nobody holds the symbol, the heartbeat claims
 * it, under all rules of a claim, unless an operator ended the session.
 *
 * @throws the errors of the SDK, but for the refused condition
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
