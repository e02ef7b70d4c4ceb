import type { ClaimAnswer, Granted, Trouble } from "./answers.ts";
import type { ClaimName } from "./claim-names.ts";
import { ServiceUnavailable, SessionRefused } from "./errors.ts";
import { rightLastsMs, startKeeping } from "./keeping-state.ts";
import { type Instant, noAnswerInTime } from "./runtime.ts";
import type { SessionStatus } from "./session.ts";
import {
  attemptTimeoutMs,
  defaultRequestTimeoutMs,
  openingIntervalMs,
  pollDelayMs,
  retryAtMs,
  retryDelayMs,
  type TimingOptions,
} from "./timing.ts";

/** A granted claim, and when the attempt was sent that the grant answers: the right counts from it. */
export type Claim = { granted: Granted; sent: Instant };

/**
 * The state of an opening. Immutable: `advanceClaim` returns the next state.
 *
 * - `claiming`: an attempt is to be sent, or is under way.
 * - `resting`: the next attempt comes at `untilMs`.
 * - `granted` and `failed`: final.
 */
type Claiming = {
  /** All attempts share it, also those after a refusal: only one of them can be granted. */
  name: ClaimName;
  waitUntilMs: number;
  giveUpMs: number;
  failures: number;
  /** How many attempts in a row were not answered in time. */
  unanswered: number;
  /** Whether an attempt got no usable answer, and may therefore have been granted. */
  mayBeGranted: boolean;
  /** Whether the attempts ask the holder to release the session. */
  asksHolder: boolean;
  /** What the last refusals said about that. */
  request: HolderRequest;
  /** When a refusal first said that the holder was asked. */
  askedMs?: number;
  /** The last trouble that was more than the lack of an answer. */
  answered?: Trouble;
} & (
  | { phase: "claiming" }
  | { phase: "resting"; untilMs: number; refused: boolean }
  | ({ phase: "granted" } & Claim)
  | { phase: "failed"; error: unknown }
);

type HolderRequest = Pick<
  SessionStatus & { state: "waiting" },
  "holderAsked" | "holderTold" | "holderKeeps"
>;

export type ClaimingEvent =
  | { kind: "answered"; outcome: ClaimAnswer; sent: Instant }
  | { kind: "rested" }
  | { kind: "aborted"; reason: unknown };

type ClaimingOptions = TimingOptions & {
  openWithinMs?: number | undefined;
  waitWithinMs?: number | undefined;
  askHolder?: boolean | undefined;
};

type ClaimingStep = { claiming: Claiming; status?: SessionStatus };

/** What `advanceClaim` needs besides the state and the event. */
type ClaimingCircumstances = { options: ClaimingOptions; at: Instant; random: number };

const defaultOpenWithinMs = 30_000;

export function startClaiming(name: ClaimName, options: ClaimingOptions, nowMs: number): Claiming {
  const { openWithinMs = defaultOpenWithinMs, waitWithinMs = 0, askHolder = false } = options;
  return {
    phase: "claiming",
    name,
    waitUntilMs: nowMs + waitWithinMs,
    giveUpMs: nowMs + openWithinMs,
    failures: 0,
    unanswered: 0,
    mayBeGranted: false,
    asksHolder: askHolder,
    request: {},
  };
}

/** The time limit of an attempt that is sent at `nowMs`. */
export function attemptUntilMs(
  { unanswered, giveUpMs }: Claiming,
  { requestTimeoutMs = defaultRequestTimeoutMs }: ClaimingOptions,
  nowMs: number,
): number {
  return Math.min(nowMs + attemptTimeoutMs(requestTimeoutMs, unanswered), giveUpMs);
}

export function advanceClaim(
  claiming: Claiming,
  event: ClaimingEvent,
  circumstances: ClaimingCircumstances,
): ClaimingStep {
  const { options, at } = circumstances;
  switch (event.kind) {
    case "aborted":
      return failed(claiming, event.reason);
    case "rested": {
      const { openWithinMs = defaultOpenWithinMs } = options;
      const wasRefused = claiming.phase === "resting" && claiming.refused;
      const giveUpMs = wasRefused ? at.nowMs + openWithinMs : claiming.giveUpMs;
      return { claiming: { ...claiming, phase: "claiming", giveUpMs } };
    }
    case "answered": {
      const { outcome, sent } = event;
      switch (outcome.kind) {
        case "granted": {
          const keeping = startKeeping(outcome, sent, options, 0);
          if (rightLastsMs(keeping, at) > 0)
            return { claiming: { ...claiming, phase: "granted", granted: outcome, sent } };
          // The answer came too late. As long as no heartbeat has confirmed the session, another
          // attempt renews it.
          return tryAgain(claiming, { kind: "trouble", problem: noAnswerInTime }, circumstances);
        }
        case "available":
          return tryAgain(claiming, { kind: "trouble", problem: outcome.kind }, circumstances);
        case "trouble":
          return tryAgain(claiming, outcome, circumstances);
        case "refused":
          if (outcome.error instanceof SessionRefused && canWaitFor(outcome.error))
            return wait(claiming, outcome.error, circumstances);
          return failed(claiming, outcome.error);
      }
    }
  }
}

/** This device does not wait for itself, and an opening that came too late stays so. */
function canWaitFor({ code, heldByThisDevice, blocked = [] }: SessionRefused): boolean {
  const isOwn = heldByThisDevice || blocked.some((symbol) => symbol.heldByThisDevice);
  return !isOwn && (code === "session_conflict" || code === "session_limit");
}

/** The least time for which the service remembers a request (30 s), less the longest poll. */
const requestLastsMs = 24_000;

/**
 * Asking again is free as long as the last request is remembered, and brings the holder's answer.
 * Later it would be a second request, which is for holders alone that the first has not reached.
 */
function goesOnAsking({ blocked, ...refusal }: SessionRefused, sinceAskedMs: number): boolean {
  const holders = blocked ?? [refusal];
  if (holders.every(({ holderKeeps }) => holderKeeps)) return false;
  const isTold = holders.every(({ holderTold, holderKeeps }) => holderTold || holderKeeps);
  return !isTold || sinceAskedMs < requestLastsMs;
}

function wait(
  claiming: Claiming,
  error: SessionRefused,
  { at, random }: ClaimingCircumstances,
): ClaimingStep {
  if (at.nowMs >= claiming.waitUntilMs) return failed(claiming, error);
  const { code, activeDevice, waitSeconds, holderAsked, holderTold, holderKeeps } = error;
  const untilMs = Math.min(at.nowMs + pollDelayMs(waitSeconds, random), claiming.waitUntilMs);
  const askedMs = claiming.askedMs ?? at.nowMs;
  const request = {
    ...claiming.request,
    ...(holderAsked !== undefined && { holderAsked }),
    ...(holderTold !== undefined && { holderTold }),
    ...(holderKeeps !== undefined && { holderKeeps }),
  };
  return {
    claiming: {
      ...claiming,
      phase: "resting",
      untilMs,
      refused: true,
      failures: 0,
      unanswered: 0,
      asksHolder: claiming.asksHolder && goesOnAsking(error, at.nowMs - askedMs),
      request,
      ...(holderAsked && { askedMs }),
    },
    status: {
      state: "waiting",
      code: code === "session_limit" ? code : "session_conflict",
      ...(activeDevice !== undefined && { activeDevice }),
      ...(waitSeconds !== undefined && { waitSeconds }),
      ...request,
    },
  };
}

function tryAgain(
  claiming: Claiming,
  trouble: Trouble,
  { options, at, random }: ClaimingCircumstances,
): ClaimingStep {
  const { requestTimeoutMs = defaultRequestTimeoutMs } = options;
  const { problem } = trouble;
  const failures = claiming.failures + 1;
  const untilMs = retryAtMs(
    at.nowMs,
    retryDelayMs(failures, openingIntervalMs, random),
    trouble.retryAfterMs,
    { endsMs: claiming.giveUpMs, requestTimeoutMs },
  );
  const isUnanswered = problem === noAnswerInTime;
  const next: Claiming = {
    ...claiming,
    phase: "resting",
    untilMs,
    refused: false,
    failures,
    unanswered: isUnanswered ? claiming.unanswered + 1 : 0,
    mayBeGranted: true,
    ...(!isUnanswered && { answered: trouble }),
  };
  if (trouble.lasting) return failed(next, new ServiceUnavailable(problem, trouble));
  if (untilMs < claiming.giveUpMs) return { claiming: next, status: { state: "opening", problem } };
  // The last attempt may only have timed out. An earlier answer then says more about the cause.
  const last = next.answered ?? trouble;
  return failed(next, new ServiceUnavailable(last.problem, last));
}

function failed(claiming: Claiming, error: unknown): ClaimingStep {
  return { claiming: { ...claiming, phase: "failed", error } };
}
