import type { Granted, HeartbeatAnswer, Trouble } from "./answers.ts";
import type { End } from "./errors.ts";
import { type Instant, noAnswerInTime, wallLeadMs } from "./runtime.ts";
import type { License, SessionStatus } from "./session.ts";
import {
  heartbeatDelayMs,
  retryAtMs,
  retryDelayMs,
  type Timing,
  type TimingOptions,
  timingOf,
} from "./timing.ts";

/**
 * The state of a session that is being kept. Immutable: `advance` returns the next state.
 *
 * - `held`: the right lasts until `rightEndsMs`; heartbeats renew it.
 * - `asking`: there is no right until a heartbeat is confirmed; the session is lost at `giveUpMs`.
 * - `over`: final.
 */
export type Keeping = {
  timing: Timing;
  license: License;
  rightEndsMs: number;
  /** The lead of the wall clock over the monotonic one when the two were last known to agree. */
  wallLeadMs: number;
  nextBeatMs: number;
  failures: number;
  /** How many requests in a row were not answered in time. */
  unanswered: number;
  /** Whether the service could not read the last report. */
  reportRefused: boolean;
} & ({ phase: "held" } | { phase: "asking"; giveUpMs: number } | { phase: "over"; end: End });

export type KeepingEvent =
  /** @param plannedMs the latest time at which this should have happened */
  | { kind: "woke"; plannedMs: number }
  | { kind: "answered"; outcome: HeartbeatAnswer; sent: Instant; plannedMs: number }
  | { kind: "ended"; end: End };

export type Step = { keeping: Keeping; status?: SessionStatus };

/** What `advance` needs besides the state and the event. */
export type Circumstances = {
  granted: Granted;
  options: TimingOptions;
  at: Instant;
  random: number;
};

export function startKeeping(
  granted: Granted,
  sent: Instant,
  options: TimingOptions,
  random: number,
): Keeping {
  const timing = timingOf(
    granted.sessionTimeoutMs,
    granted.heldForMs,
    granted.heartbeatIntervalMs,
    options,
  );
  return {
    phase: "held",
    timing,
    license: granted.license,
    rightEndsMs: sent.nowMs + timing.rightMs,
    wallLeadMs: wallLeadMs(sent),
    nextBeatMs: sent.nowMs + heartbeatDelayMs(timing.heartbeatIntervalMs, random),
    failures: 0,
    unanswered: 0,
    reportRefused: false,
  };
}

/** The time limit of a heartbeat that is sent at `nowMs`. */
export function requestUntilMs(keeping: Keeping, nowMs: number): number {
  const { requestTimeoutMs, longestRequestMs } = keeping.timing;
  const withinMs = keeping.unanswered > 0 ? longestRequestMs : requestTimeoutMs;
  return Math.min(nowMs + withinMs, limitMs(keeping));
}

/** How long the right lasts unless a heartbeat is confirmed; 0 without one. */
export function rightLastsMs(keeping: Keeping, at: Instant): number {
  if (keeping.phase !== "held" || clocksParted(keeping, at)) return 0;
  return Math.max(0, keeping.rightEndsMs - at.nowMs);
}

/** The latest time of the next action. */
export function wakeMs(keeping: Keeping): number {
  return Math.min(keeping.nextBeatMs, limitMs(keeping));
}

/** When the right ends or, while asking, when the session is given up. */
export function limitMs(keeping: Keeping): number {
  return keeping.phase === "asking" ? keeping.giveUpMs : keeping.rightEndsMs;
}

export function advance(keeping: Keeping, event: KeepingEvent, circumstances: Circumstances): Step {
  return judge(withLowestLead(keeping, circumstances.at), event, circumstances);
}

function judge(keeping: Keeping, event: KeepingEvent, circumstances: Circumstances): Step {
  if (keeping.phase === "over") return { keeping };
  switch (event.kind) {
    case "ended":
      return end(keeping, event.end);
    case "woke":
      return passTime(keeping, event.plannedMs, circumstances.at) ?? { keeping };
    case "answered": {
      const { outcome } = event;
      switch (outcome.kind) {
        case "recorded":
          return confirm(keeping, outcome, event.sent, circumstances);
        case "ended":
          return end(keeping, outcome.end);
        case "unreadable": {
          // Only the report can be unreadable, because the claim sent everything else.
          const without = { ...keeping, reportRefused: true };
          const trouble: Trouble = { kind: "trouble", problem: outcome.problem };
          return tryAgain(without, trouble, event.plannedMs, circumstances);
        }
        case "part_lost":
          return tryAgain(keeping, outcome.trouble, event.plannedMs, circumstances);
        case "trouble":
          return tryAgain(keeping, outcome, event.plannedMs, circumstances);
      }
    }
  }
}

/**
 * The right counts from the time of sending: the service can't have received the request earlier.
 */
function confirm(
  keeping: Keeping,
  outcome: HeartbeatAnswer & { kind: "recorded" },
  sent: Instant,
  { granted, options, at, random }: Circumstances,
): Step {
  const { sessionTimeoutMs, heldForMs } = outcome;
  const renewed = {
    ...startKeeping({ ...granted, sessionTimeoutMs, heldForMs }, sent, options, random),
    // A heartbeat's answer does not name the type.
    license: { ...outcome.license, type: keeping.license.type },
  };
  // If the machine slept while the answer was on its way, the answer may be out of date.
  if (clocksParted(renewed, at)) return ask(renewed, at, "clocks_parted");
  if (at.nowMs >= renewed.rightEndsMs) return ask(renewed, at);
  return held(renewed, at);
}

function tryAgain(
  keeping: Keeping,
  { problem, retryAfterMs }: Trouble,
  plannedMs: number,
  { at, random }: Circumstances,
): Step {
  const passed = passTime(keeping, plannedMs, at);
  if (passed) return passed;
  const failures = keeping.failures + 1;
  const unanswered = problem === noAnswerInTime ? keeping.unanswered + 1 : 0;
  const { heartbeatIntervalMs, requestTimeoutMs } = keeping.timing;
  const delayMs = retryDelayMs(failures, heartbeatIntervalMs, random);
  const nextBeatMs = retryAtMs(at.nowMs, delayMs, retryAfterMs, {
    endsMs: limitMs(keeping),
    requestTimeoutMs,
  });
  const next = { ...keeping, failures, unanswered, nextBeatMs };
  if (keeping.phase === "asking") return { keeping: next, status: { state: "asking", problem } };
  const status = { state: "troubled", problem, rightLastsMs: rightLastsMs(next, at) } as const;
  return { keeping: next, status };
}

/**
 * What the passing of time alone does to the session; `undefined` if nothing.
 *
 * When its time is over, the session is lost. But if this process overslept, the service is not to
 * blame, so it is asked whether the session still exists.
 */
function passTime(keeping: Keeping, plannedMs: number, at: Instant): Step | undefined {
  const parted = clocksParted(keeping, at);
  if (at.nowMs >= limitMs(keeping)) {
    const overslept = at.nowMs - plannedMs > keeping.timing.oversleptAfterMs;
    if (parted || overslept) return ask(keeping, at, parted ? "clocks_parted" : undefined);
    return end(keeping, { reason: "lost", code: noAnswerInTime });
  }
  return parted ? ask(keeping, at, "clocks_parted") : undefined;
}

function ask(keeping: Keeping, at: Instant, problem?: "clocks_parted"): Step {
  const giveUpMs = at.nowMs + keeping.timing.askWithinMs;
  return {
    keeping: {
      ...keeping,
      phase: "asking",
      // Parted clocks alone must not lose a session, so asking lasts at least as long as the right.
      giveUpMs: Math.max(giveUpMs, keeping.rightEndsMs),
      nextBeatMs: at.nowMs,
      failures: 0,
      unanswered: 0,
      wallLeadMs: wallLeadMs(at),
    },
    status: { state: "asking", ...(problem && { problem }) },
  };
}

function held(keeping: Keeping, at: Instant): Step {
  return { keeping, status: { state: "held", rightLastsMs: rightLastsMs(keeping, at) } };
}

function end(keeping: Keeping, theEnd: End): Step {
  return {
    keeping: { ...keeping, phase: "over", end: theEnd },
    status: { state: "ended", ...theEnd },
  };
}

/** After the wall clock was set back, a pause shows already at a smaller lead. */
function withLowestLead(keeping: Keeping, at: Instant): Keeping {
  return { ...keeping, wallLeadMs: Math.min(keeping.wallLeadMs, wallLeadMs(at)) };
}

/** Whether the wall clock has gained on the monotonic one, which may therefore have stood still. */
function clocksParted(keeping: Keeping, at: Instant): boolean {
  return wallLeadMs(at) - keeping.wallLeadMs > keeping.timing.clocksPartedAfterMs;
}
