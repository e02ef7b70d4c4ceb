import type { StoodBefore } from "../../contract/log-lines.ts";
import type { RequestContext } from "../http/handle-request.ts";
import type { Blocked, Granted } from "../rules/claim.ts";
import { deviceOf } from "../rules/entry.ts";
import { holds } from "../rules/predicate.ts";
import { isFree, isLive } from "../rules/session-predicates.ts";
import { deviceHash, maskFingerprint } from "../rules/shown-device.ts";

/** The history line of a grant: who held the symbols before. */
export function recordGrant(
  { session, license, replaced, displaced }: Granted,
  { nowMs, record }: RequestContext,
): void {
  const before = (entries: readonly Blocked[]) =>
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
  { blocked }: { blocked: readonly Blocked[] },
  { licenseId }: { licenseId: string },
  { nowMs, record }: RequestContext,
): void {
  record({
    event: "holder_asked",
    holders: blocked.map((each) => stoodBefore(each, licenseId, nowMs)),
  });
}

function stoodBefore({ symbol, entry }: Blocked, licenseId: string, nowMs: number): StoodBefore {
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
