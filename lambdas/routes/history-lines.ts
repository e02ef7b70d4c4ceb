import type { StoodBefore } from "../../contract/log-lines.ts";
import type { RequestContext } from "../http/handle-request.ts";
import { noteOf } from "../rules/ask-holder.ts";
import type { Conflict, Granted } from "../rules/claim.ts";
import { deviceOf } from "../rules/entry.ts";
import type { Recorded } from "../rules/heartbeat.ts";
import type { Standing } from "../rules/license.ts";
import { holds } from "../rules/predicate.ts";
import type { Released } from "../rules/release.ts";
import { isFree, isLive } from "../rules/session-predicates.ts";
import { deviceHash, maskFingerprint } from "../rules/shown-device.ts";

const dayMs = 86_400_000;

/** The history line of a grant: who held the symbols before. */
export function recordGrant(
  { session, license, replaced, displaced }: Granted,
  { nowMs, record }: RequestContext,
): void {
  const before = (entries: readonly Standing[]) =>
    entries.map((entry) => stoodBefore(entry, license.license_id, nowMs));
  record({
    event: "session_claimed",
    session_id: session.session_id,
    fencing_token: session.fencing_token ?? license.fencing_token,
    ...(replaced.length > 0 && { replaced: before(replaced) }),
    ...(displaced.length > 0 && { displaced: before(displaced) }),
  });
}

/** The history line of a refused claim that has left a note with the holders. */
export function recordAsk(
  { blocked }: Conflict,
  { licenseId }: { licenseId: string },
  { nowMs, record }: RequestContext,
): void {
  record({
    event: "holder_asked",
    holders: blocked.map((each) => stoodBefore(each, licenseId, nowMs)),
  });
}

/** The history line of a session that its caller has ended. */
export function recordRelease(
  { session, waitSeconds }: Released,
  { nowMs, record }: RequestContext,
): void {
  const note = noteOf(session, nowMs);
  record({
    event: "session_released",
    session_id: session.session_id,
    free_in_seconds: waitSeconds,
    ...(note && { asked_by: note.device }),
  });
}

/** The history lines of a heartbeat: what it says about an ask, and once a day that the bot lives. */
export function recordHeartbeat(
  { before, session }: Recorded,
  isKept: boolean,
  { nowMs, record }: RequestContext,
): void {
  const { session_id, bot_version } = session;
  if (isKept && before.askedBy !== undefined) {
    record({ event: "session_kept", session_id, asked_by: before.askedBy });
  }
  const note = noteOf(session, nowMs);
  if (note && before.lastHeartbeatMs <= note.met) {
    record({ event: "holder_told", session_id, asked_by: note.device });
  }
  if (isDailyLineDue(session_id, before.lastHeartbeatMs, nowMs)) {
    record({ event: "session_active", session_id, bot_version });
  }
}

function stoodBefore({ symbol, entry }: Standing, licenseId: string, nowMs: number): StoodBefore {
  const device = deviceOf(entry) ?? "";
  const known = {
    symbol,
    device: maskFingerprint(device),
    device_hash: deviceHash(licenseId, device),
  };
  switch (entry.kind) {
    case "session": {
      const { session_id, last_heartbeat } = entry;
      const ended = holds(isFree([], nowMs), entry) ? "lapsed" : "contested";
      const state = holds(isLive([], nowMs), entry) ? "live" : ended;
      return { ...known, session_id, last_heartbeat, state };
    }
    case "vacancy":
      return {
        ...known,
        session_id: entry.vacated_session_id,
        state: entry.ended_at === undefined ? "released" : "ended",
      };
    case "unreadable":
      return { ...known, state: "lapsed" };
  }
}

/**
 * Whether this heartbeat is the first after the second of the day that belongs to the session. So each
 * session has one line for each UTC day, and not all of them come at midnight.
 *
 * @param beforeMs the heartbeat before, epoch milliseconds
 */
function isDailyLineDue(sessionId: string, beforeMs: number, nowMs: number): boolean {
  // A session_id begins with random hex digits.
  const secondOfDay = (Number.parseInt(sessionId.slice(0, 8), 16) || 0) % 86_400;
  const day = (instantMs: number) => Math.floor((instantMs - secondOfDay * 1_000) / dayMs);
  return day(beforeMs) < day(nowMs);
}
