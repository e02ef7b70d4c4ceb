import type * as z from "zod";
import * as answers from "./answers.ts";
import { claimRequestSchema } from "./requests/claim-request.ts";
import { heartbeatRequestSchema } from "./requests/heartbeat-request.ts";
import { releaseRequestSchema } from "./requests/release-request.ts";

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

/** The answers that a route may give: any other does not compile. */
type AnswerOf<Route extends DocumentedRoute> = OneAnswer<Route["answers"][number]>;

type OneAnswer<Answer> = Answer extends { status: infer Status; schema: infer Schema }
  ? { statusCode: Status; body: z.input<Schema> }
  : never;

export const claimRoute = {
  path: "/api/validate-license",
  operationId: "claimSession",
  summary: "Claim a session",
  description:
    "Succeeds if the license is good and every symbol is free, lapsed or held by the same device. " +
    "With `check_only` nothing is written: the answer says whether a claim would succeed. Send " +
    "`run_id` and `claim_number`, the same for every attempt at one opening: they are then one claim, " +
    "and an attempt that arrives late takes nothing from a later opening. The session is yours for " +
    "`held_for_seconds`, counted from the moment you sent this request.",
  requestName: "ClaimRequest",
  request: claimRequestSchema,
  answers: [
    { status: 200, name: "Granted", schema: answers.granted },
    { status: 200, name: "Available", schema: answers.available },
    { status: 400, name: "ClaimUnreadable", schema: answers.claimUnreadable },
    { status: 401, name: "LicenseRefused", schema: answers.licenseRefused },
    { status: 403, name: "ClaimRefused", schema: answers.claimRefused },
    { status: 409, name: "ClaimOver", schema: answers.claimOver },
    { status: 500, name: "ClaimFailed", schema: answers.claimFailed },
  ],
} as const satisfies DocumentedRoute;

export const heartbeatRoute = {
  path: "/api/heartbeat",
  operationId: "keepSession",
  summary: "Keep a session alive",
  description:
    "200 only after the heartbeat is stored; it renews the session for `held_for_seconds`, counted " +
    "from the moment you sent this request. A session that has lapsed but that nobody has taken is " +
    "revived. Fields that are not sent stay as stored. A session that was claimed with " +
    "`run_id`, or that a heartbeat has named, is renewed by its `session_id` only. Of several symbols " +
    "some may be lost: a 500 with `symbols_held` and `symbols_lost` renews those that are held. Where " +
    "the service runs with `LEGACY_BOTS`, a request without `session_id` is answered as the legacy " +
    "bots expect: a refusal that is a 500 here is a 403 (except `heartbeat_late` and `session_left`), " +
    "and a symbol that nobody holds is claimed.",
  requestName: "HeartbeatRequest",
  request: heartbeatRequestSchema,
  answers: [
    { status: 200, name: "Recorded", schema: answers.recorded },
    { status: 400, name: "Unreadable", schema: answers.unreadable },
    { status: 403, name: "LicenseEnded", schema: answers.licenseEnded },
    { status: 403, name: "SessionTaken", schema: answers.sessionTaken },
    { status: 403, name: "SessionReplaced", schema: answers.sessionReplaced },
    { status: 403, name: "SessionEnded", schema: answers.sessionEnded },
    { status: 403, name: "NoSeat", schema: answers.noSeat },
    { status: 500, name: "LicenseEnded", schema: answers.licenseEnded },
    { status: 500, name: "PartlyRecorded", schema: answers.partlyRecorded },
    { status: 500, name: "SessionTaken", schema: answers.sessionTaken },
    { status: 500, name: "SessionReplaced", schema: answers.sessionReplaced },
    { status: 500, name: "SessionEnded", schema: answers.sessionEnded },
    { status: 500, name: "SessionNotFound", schema: answers.sessionNotFound },
    { status: 500, name: "SessionLeft", schema: answers.sessionLeft },
    { status: 500, name: "HeartbeatLate", schema: answers.heartbeatLate },
    { status: 500, name: "Failed", schema: answers.failed },
  ],
} as const satisfies DocumentedRoute;

export const releaseRoute = {
  path: "/api/session/release",
  operationId: "releaseSession",
  summary: "End a session",
  description:
    "Name the session by `session_id` or, if its claim was never answered, by `run_id` and " +
    "`claim_number`. A caller that does not hold the session changes nothing, and one that names none " +
    "leaves the session to lapse. An ended license may release.",
  requestName: "ReleaseRequest",
  request: releaseRequestSchema,
  answers: [
    { status: 200, name: "Released", schema: answers.released },
    { status: 200, name: "NotHeld", schema: answers.notHeld },
    { status: 200, name: "LeftToLapse", schema: answers.leftToLapse },
    { status: 400, name: "Unreadable", schema: answers.unreadable },
    { status: 500, name: "Failed", schema: answers.failed },
  ],
} as const satisfies DocumentedRoute;

export type ClaimAnswer = AnswerOf<typeof claimRoute>;
export type HeartbeatAnswer = AnswerOf<typeof heartbeatRoute>;
export type ReleaseAnswer = AnswerOf<typeof releaseRoute>;

export const routes: readonly DocumentedRoute[] = [claimRoute, heartbeatRoute, releaseRoute];

/** The contract's answers with this status and code. */
export function documentedAnswers(
  route: DocumentedRoute,
  status: number,
  code: unknown,
): DocumentedAnswer[] {
  return route.answers.filter(
    (answer) => answer.status === status && codesOf(answer).some((known) => known === code),
  );
}

export function codesOf({ schema }: DocumentedAnswer): string[] {
  return [...schema.shape.code.values];
}
