import { randomUUID } from "node:crypto";
import type { HeartbeatAnswer } from "../../contract/routes.ts";
import type { RequestContext } from "../http/handle-request.ts";
import { recordGrant } from "../routes/history-lines.ts";
import { conflictMessage, overMessages, seatMessage, shownDevice } from "../routes/messages.ts";
import { conflict, licenseEnded, withoutConflict } from "../routes/refusals.ts";
import { type ClaimRefusal, claim } from "../rules/claim.ts";
import { deviceOf } from "../rules/entry.ts";
import { type Heartbeat, type HeartbeatOutcome, heartbeat, type Loss } from "../rules/heartbeat.ts";
import { holds } from "../rules/predicate.ts";
import type { Database } from "../rules/rule-run.ts";
import { isFree } from "../rules/session-predicates.ts";
import { maskFingerprint } from "../rules/shown-device.ts";
import { claimByHeartbeat } from "./legacy-claim.ts";

/** The status of a refusal: a legacy bot stops at a 403 alone, and goes on after any other. */
const stops = 403;

/**
 * A heartbeat of a bot that names no session. Bots deployed before this service send these: they
 * claim only once, when they start, and only a 403 stops them. If nobody holds the symbol, the
 * heartbeat claims it under all rules of a claim, unless an operator ended the session.
 *
 * @param answerTo how any other heartbeat is answered
 * @throws any error of the database
 */
export async function answerLegacyHeartbeat(
  database: Database,
  beat: Heartbeat,
  context: RequestContext,
  answerTo: (outcome: HeartbeatOutcome, stopsWith: typeof stops) => HeartbeatAnswer,
): Promise<HeartbeatAnswer> {
  const outcome = await heartbeat(database, beat);
  recordSample(context);
  if (outcome.code !== "lost") return answerTo(outcome, stops);
  const [loss] = outcome.lost;
  if (!isGone(loss, context.nowMs)) {
    // Its bot released it without naming it: it only waits to lapse, so this bot may go on.
    if (loss.code === "session_taken" && loss.entry.left) return sessionLeft;
    return answerTo(outcome, stops);
  }
  const { report, ...caller } = beat;
  const claimed = await claim(database, {
    ...caller,
    opening: undefined,
    onlyIfFree: false,
    sessionId: randomUUID(),
    legacy: claimByHeartbeat(beat.deviceFingerprint, reported(report)),
  });
  if (claimed.code !== "granted") return refused(claimed, beat);
  if (claimed.isNew) recordGrant(claimed, context);
  const before = { lastHeartbeatMs: context.nowMs, askedBy: undefined };
  return answerTo({ ...claimed, code: "recorded", before }, stops);
}

/** Whether nobody is in the way of a new claim. */
function isGone(loss: Loss, nowMs: number): boolean {
  switch (loss.code) {
    case "session_not_found":
      return true;
    case "session_taken":
    case "session_replaced":
      return holds(isFree([], nowMs), loss.entry);
    case "session_ended":
      return false;
  }
}

function reported(report: Heartbeat["report"]): object {
  return Object.fromEntries(Object.entries(report).filter(([, value]) => value !== undefined));
}

const sessionLeft = withoutConflict({
  code: "session_left",
  message: "The session in the way was left by its bot and only waits to lapse. Go on.",
});

function refused(
  outcome: ClaimRefusal,
  { deviceFingerprint: ownDevice, nowMs }: Heartbeat,
): HeartbeatAnswer {
  const { code } = outcome;
  switch (code) {
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return licenseEnded(stops, code);
    case "session_conflict": {
      const { blocked } = outcome;
      if (blocked.some(({ entry }) => entry.kind === "session" && entry.left)) return sessionLeft;
      const message = conflictMessage(outcome, nowMs, ownDevice);
      // Another program of its device was quicker than its claim.
      if (blocked.some(({ entry }) => deviceOf(entry) === ownDevice)) {
        return conflict(stops, { code: "session_replaced", message });
      }
      const active_device = shownDevice(blocked[0].entry);
      return conflict(stops, { code: "session_taken", message, active_device });
    }
    case "session_limit": {
      const { first } = outcome;
      if (first?.entry.kind === "session" && first.entry.left) return sessionLeft;
      const active_device = first ? shownDevice(first.entry) : maskFingerprint(ownDevice);
      const message = seatMessage(outcome, nowMs);
      return {
        statusCode: stops,
        body: { status: "error", session_conflict: true, code, message, active_device },
      };
    }
    case "claim_late":
      // The SDK has repeated its write, and the session that it made was released in between.
      return sessionLeft;
    case "session_ended":
      return conflict(stops, { code, message: overMessages[code] });
  }
}

/** One in this many heartbeats of legacy bots is logged, to estimate how many there still are. */
const weight = 64;

function recordSample({ nowMs, record }: RequestContext): void {
  // The clock's low digits sample as well as a random number, and are reproducible in tests.
  if (nowMs % weight === 0) record({ event: "legacy_heartbeat", legacy: true, weight });
}
