import { type Holder, heldBy } from "./holder.ts";
import { type EndedCode, endedCode, type License } from "./license.ts";
import type { Session } from "./session.ts";
import type { ConditionalUpdate, SessionTable } from "./table.ts";

/** What a bot tells of itself. What it leaves out stays as it was stored. */
export type BotReport = {
  [Attribute in "bot_version" | "bot_status" | "metadata"]: Session[Attribute] | undefined;
};

export type HeartbeatOutcome =
  | { code: "recorded"; license: License }
  | { code: EndedCode }
  | HeartbeatRefusal;

type HeartbeatRefusal =
  | { code: "session_taken"; heldBy: Session }
  | { code: "session_replaced" | "session_not_found" };

/**
 * Moves the timer of the caller's session to `nowMs`, in one conditional write. A session that has
 * lapsed but that nobody has taken is revived; one that is gone is never made anew.
 *
 * The timer of an ended license moves too: the item that the write returns tells of the end.
 */
export async function heartbeat(
  table: SessionTable,
  holder: Holder,
  report: BotReport,
  nowMs: number,
  signal: AbortSignal,
): Promise<HeartbeatOutcome> {
  const result = await table.update(heartbeatUpdate(holder, report, nowMs), signal);
  if (!result.applied) return explainRefusal(result.met, holder);

  const ended = endedCode(result.license, nowMs);
  return ended ? { code: ended } : { code: "recorded", license: result.license };
}

/**
 * The condition is that the session is still the caller's. It never mentions what the timer was,
 * so a write that was applied but whose answer was lost succeeds when it is tried again.
 * `explainRefusal` explains its refusals: change both together.
 */
function heartbeatUpdate(holder: Holder, report: BotReport, nowMs: number): ConditionalUpdate {
  const moved = Object.entries({ last_heartbeat: nowMs, ...report }).filter(
    ([, value]) => value !== undefined,
  );
  const held = heldBy(holder);
  return {
    licenseId: holder.licenseId,
    update: `SET ${moved.map(([name]) => `sessions.#symbol.${name} = :${name}`).join(", ")}`,
    condition: held.condition,
    names: held.names,
    values: {
      ...held.values,
      ...Object.fromEntries(moved.map(([name, value]) => [`:${name}`, value])),
    },
  };
}

function explainRefusal(license: License | undefined, holder: Holder): HeartbeatRefusal {
  const session = license?.sessions[holder.sessionSymbol];
  if (!session) return { code: "session_not_found" };
  if (session.device_fingerprint !== holder.deviceFingerprint) {
    return { code: "session_taken", heldBy: session };
  }
  if (holder.sessionId !== undefined && session.session_id !== holder.sessionId) {
    return { code: "session_replaced" };
  }
  // Only for an engine that is asked after the refusal: the session was claimed in between.
  return { code: "session_not_found" };
}
