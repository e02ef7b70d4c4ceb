import { randomUUID } from "node:crypto";
import type { HeartbeatAnswer } from "../../contract/routes.ts";
import type { RequestContext } from "../http/handle-request.ts";
import {
  conflictMessage,
  licenseMessages,
  overMessages,
  seatMessage,
  shownDevice,
} from "../routes/messages.ts";
import { recordGrant } from "../routes/record-grant.ts";
import { type ClaimRefusal, claim } from "../rules/claim.ts";
import { deviceOf } from "../rules/entry.ts";
import { type Heartbeat, type HeartbeatOutcome, heartbeat, type Loss } from "../rules/heartbeat.ts";
import { holds } from "../rules/predicate.ts";
import type { Database } from "../rules/rule-run.ts";
import { isFree } from "../rules/session-predicates.ts";
import { maskFingerprint } from "../rules/shown-device.ts";
import { claimByHeartbeat } from "./legacy-claim.ts";

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
  answerTo: (outcome: HeartbeatOutcome) => HeartbeatAnswer,
): Promise<HeartbeatAnswer> {
  const outcome = await heartbeat(database, beat);
  recordSample(context);
  if (outcome.code !== "lost") return answerTo(outcome);
  const [loss] = outcome.lost;
  if (!isGone(loss, context.nowMs)) {
    // Its bot released it without naming it: it only waits to lapse, so this bot may go on.
    if (loss.code === "session_taken" && loss.entry.left) return sessionLeft;
    return answerTo(outcome);
  }
  const { report, ...caller } = beat;
  const claimed = await claim(database, {
    ...caller,
    opening: undefined,
    onlyIfFree: false,
    sessionId: randomUUID(),
    legacy: claimByHeartbeat(beat.deviceFingerprint, reported(report)),
  });
  if (claimed.code !== "granted") return refused(claimed, beat.deviceFingerprint);
  if (claimed.isNew) recordGrant(claimed, context);
  return answerTo({
    ...claimed,
    code: "recorded",
    before: { lastHeartbeatMs: context.nowMs, askedBy: undefined },
  });
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

const sessionLeft = {
  statusCode: 500,
  body: {
    status: "error",
    session_conflict: false,
    code: "session_left",
    message: "The session in the way was left by its bot and only waits to lapse. Go on.",
  },
} as const satisfies HeartbeatAnswer;

function refused(outcome: ClaimRefusal, ownDevice: string): HeartbeatAnswer {
  const { code } = outcome;
  switch (code) {
    case "license_unknown":
    case "license_suspended":
    case "license_cancelled":
    case "license_expired":
      return {
        statusCode: 403,
        body: { status: "error", license_valid: false, code, message: licenseMessages[code] },
      };
    case "session_conflict": {
      if (outcome.blocked.some(({ entry }) => entry.kind === "session" && entry.left))
        return sessionLeft;
      const message = conflictMessage(outcome, ownDevice);
      // Another program of its device was quicker than its claim.
      if (outcome.blocked.some(({ entry }) => deviceOf(entry) === ownDevice)) {
        return forbidden({ code: "session_replaced", message });
      }
      return forbidden({
        code: "session_taken",
        message,
        active_device: outcome.blocked.map(({ entry }) => shownDevice(entry))[0] ?? "",
      });
    }
    case "session_limit":
      if (outcome.first?.entry.kind === "session" && outcome.first.entry.left) return sessionLeft;
      return forbidden({
        code,
        message: seatMessage(outcome),
        active_device: outcome.first
          ? shownDevice(outcome.first.entry)
          : maskFingerprint(ownDevice),
      });
    case "claim_late":
      // The SDK has repeated its write, and the session that it made was released in between.
      return sessionLeft;
    case "session_ended":
      return forbidden({ code: "session_ended", message: overMessages.session_ended });
  }
}

function forbidden<Body extends object>(body: Body) {
  return {
    statusCode: 403,
    body: { status: "error", session_conflict: true, ...body },
  } as const;
}

/** One in this many heartbeats of legacy bots is logged, to estimate how many there still are. */
const weight = 64;

function recordSample({ nowMs, record }: RequestContext): void {
  // The clock's low digits sample as well as a random number, and are reproducible in tests.
  if (nowMs % weight === 0) record({ event: "legacy_heartbeat", legacy: true, weight });
}
