import type { Claim, Decided, Met } from "./claim.ts";
import { secondsUntilFree } from "./entry.ts";
import type { Standing } from "./license.ts";
import { and, atLeast, equal, exists, greater, not, or } from "./predicate.ts";
import type { Asking } from "./rule-run.ts";
import { isFree, isLive } from "./session-predicates.ts";

/** A late attempt of an opening that is over is no new claim. */
export function lateAttempt(met: Met): Decided {
  const { request, asking, own } = met;
  const over = own.filter((each) => isOver(each, request, asking));
  if (over.length === 0) return undefined;
  const isEnded = over.some(({ path }) => asking.is(exists([...path, "ended_at"])));
  return tooLate(met, over, isEnded);
}

/** @param isEnded whether an operator ended it */
export function tooLate(
  { request: { nowMs } }: Met,
  over: readonly Standing[],
  isEnded: boolean,
): Decided {
  const waitSeconds = Math.max(0, ...over.map(({ entry }) => secondsUntilFree(entry, nowMs)));
  return { outcome: { code: isEnded ? "session_ended" : "claim_late", waitSeconds } };
}

/** Whether an entry of this device says that the opening is over or, to a legacy bot, that an operator ended it. */
function isOver(
  { path, entry }: Standing,
  { nowMs, opening, legacy }: Claim,
  { is }: Pick<Asking<unknown>, "is">,
): boolean {
  if (!opening) return legacy?.refuses !== undefined && is(legacy.refuses(path));
  const { runId, claimNumber } = opening;
  const at = (name: string) => [...path, name];
  const isOfRun = equal(at("run_id"), runId);
  const isSession = exists(at("session_id"));
  const isSame = equal(at("claim_number"), claimNumber);
  const isInUse = not(isFree(path, nowMs));
  const whileInUse = or(
    and(isOfRun, isSession, isSame, isLive(path, nowMs)),
    and(isOfRun, isSession, greater(at("claim_number"), claimNumber)),
    and(isOfRun, not(isSession), atLeast(at("claim_number"), claimNumber)),
    and(equal(at("replaced_run"), runId), atLeast(at("replaced_number"), claimNumber)),
  );
  const endedFor = entry.kind === "vacancy" ? (entry.lease_ms ?? 0) : 0;
  const isEnded = greater(at("ended_at"), nowMs - endedFor);
  return is(
    or(and(isInUse, whileInUse), and(isEnded, isOfRun, atLeast(at("claim_number"), claimNumber))),
  );
}
