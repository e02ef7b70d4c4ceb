import type { HistoryEvent } from "../http/answer-request.ts";
import type { ClaimOutcome } from "../rules/claim.ts";
import { deviceOf, isSession, maskFingerprint } from "../rules/session.ts";

/** The history line for a claim that was written. */
export function claimedEvent({
  session,
  license,
  replaced,
  displaced,
}: Extract<ClaimOutcome, { code: "granted" }>): HistoryEvent {
  return {
    event: "session_claimed",
    session_id: session.session_id,
    fencing_token: license.fencing_token,
    ...(replaced && isSession(replaced) && { replaced: replaced.session_id }),
    ...(displaced.length > 0 && {
      displaced: displaced.map(([symbol, entry]) => ({
        symbol,
        device: maskFingerprint(deviceOf(entry) ?? ""),
      })),
    }),
  };
}
