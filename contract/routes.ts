import type * as z from "zod";
import { claimSchema } from "../lambdas/claim-handler.ts";
import { heartbeatSchema } from "../lambdas/heartbeat-handler.ts";
import { holderSchema } from "../lambdas/request.ts";
import * as answers from "./answer-schemas.ts";

type AnswerSchema = z.ZodObject<{ code: z.ZodLiteral<string> }>;

/** One answer of the contract: the schema of its body, and its name in the document. */
type DocumentedAnswer = { status: number; name: string; schema: AnswerSchema };

export type DocumentedRoute = {
  path: string;
  operationId: string;
  summary: string;
  description: string;
  requestName: string;
  /** The schema that the function itself parses with. */
  request: z.core.$ZodObject;
  answers: readonly DocumentedAnswer[];
};

export const claimRoute: DocumentedRoute = {
  path: "/api/validate-license",
  operationId: "claimSession",
  summary: "Claim a session",
  description:
    "Succeeds if the license is good and the symbol is free, lapsed or held by the same device. " +
    "With `check_only` nothing is written: the answer says whether a claim would succeed. Send the " +
    "same `claim_id` with every attempt until an answer grants or refuses: they are then one claim, " +
    "whose right counts from the sending of the first. After a refusal, claim by a new id: an " +
    "attempt that was thought lost may still be applied. If the id ends in `.process.number`, a late " +
    "attempt at an earlier claim of the same process does not replace the live session of a later one.",
  requestName: "ClaimRequest",
  request: claimSchema,
  answers: [
    { status: 200, name: "Granted", schema: answers.granted },
    { status: 200, name: "Available", schema: answers.available },
    { status: 400, name: "ClaimUnreadable", schema: answers.claimUnreadable },
    { status: 401, name: "LicenseRefused", schema: answers.licenseRefused },
    { status: 403, name: "ClaimRefused", schema: answers.claimRefused },
    { status: 500, name: "ClaimFailed", schema: answers.claimFailed },
  ],
};

export const heartbeatRoute: DocumentedRoute = {
  path: "/api/heartbeat",
  operationId: "keepSession",
  summary: "Keep a session alive",
  description:
    "200 only after the heartbeat is stored. A session that has lapsed but that nobody has taken is " +
    "revived. Fields that are not sent stay as stored. Where the service runs with `LEGACY_BOTS`, a " +
    "request without `session_id` is answered as the legacy bots expect: a refusal that is a " +
    "500 here is a 403 (except `heartbeat_late`), and a symbol that nobody holds is claimed.",
  requestName: "HeartbeatRequest",
  request: heartbeatSchema,
  answers: [
    { status: 200, name: "Recorded", schema: answers.recorded },
    { status: 400, name: "Unreadable", schema: answers.unreadable },
    { status: 403, name: "LicenseEnded", schema: answers.licenseEnded },
    { status: 403, name: "SessionTaken", schema: answers.sessionTaken },
    { status: 403, name: "SessionEnded", schema: answers.sessionEnded },
    { status: 403, name: "NoSeat", schema: answers.noSeat },
    { status: 500, name: "LicenseEnded", schema: answers.licenseEnded },
    { status: 500, name: "SessionTaken", schema: answers.sessionTaken },
    { status: 500, name: "SessionReplaced", schema: answers.sessionReplaced },
    { status: 500, name: "SessionEnded", schema: answers.sessionEnded },
    { status: 500, name: "SessionNotFound", schema: answers.sessionNotFound },
    { status: 500, name: "HeartbeatLate", schema: answers.heartbeatLate },
    { status: 500, name: "Failed", schema: answers.failed },
  ],
};

export const releaseRoute: DocumentedRoute = {
  path: "/api/session/release",
  operationId: "releaseSession",
  summary: "End a session",
  description:
    "A caller that does not hold the session changes nothing. An ended license may release.",
  requestName: "ReleaseRequest",
  request: holderSchema,
  answers: [
    { status: 200, name: "Released", schema: answers.released },
    { status: 200, name: "NotHeld", schema: answers.notHeld },
    { status: 200, name: "LeftToLapse", schema: answers.leftToLapse },
    { status: 400, name: "Unreadable", schema: answers.unreadable },
    { status: 500, name: "Failed", schema: answers.failed },
  ],
};

export const routes = [claimRoute, heartbeatRoute, releaseRoute] as const;

/** The contract's answer with this status and code, if there is one. */
export function documentedAnswer(
  route: DocumentedRoute,
  status: number,
  code: unknown,
): DocumentedAnswer | undefined {
  return route.answers.find(
    (answer) => answer.status === status && codesOf(answer).some((known) => known === code),
  );
}

export function codesOf({ schema }: DocumentedAnswer): string[] {
  return [...schema.shape.code.values];
}
