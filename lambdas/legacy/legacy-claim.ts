import type { LegacyClaim } from "../rules/claim.ts";
import type { ResolvedEntry } from "../rules/entry.ts";
import { and, atMost, exists, holds } from "../rules/predicate.ts";
import { isEndedOf } from "../rules/session-predicates.ts";

/** A second copy on the device, if one lives, has sent a heartbeat within this time. */
const longestPauseMs = 300_000;

/**
 * A claim of a bot that names neither run nor session. Over an entry of its own device a second copy
 * may live, so the session is marked: a release leaves it to lapse. Not if the copy before released
 * it, and nobody has renewed it for longer than any legacy bot pauses.
 */
export function legacyClaim(nowMs: number): LegacyClaim {
  return {
    attributes: (own) => (own === undefined || isOver(own, nowMs) ? {} : { shared: true }),
  };
}

function isOver(own: ResolvedEntry, nowMs: number): boolean {
  return holds(and(exists(["left"]), atMost(["last_heartbeat"], nowMs - longestPauseMs)), own);
}

/**
 * A claim that a heartbeat makes. It must not revive what an operator ended, and there is no telling
 * how many copies of the bot are running.
 */
export function claimByHeartbeat(deviceFingerprint: string, report: object): LegacyClaim {
  return {
    refuses: (path) => isEndedOf(path, deviceFingerprint),
    attributes: () => ({ ...report, shared: true }),
  };
}
