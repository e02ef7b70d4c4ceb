import {
  type Granted,
  type HeartbeatAnswer,
  type Lease,
  reasonOf,
  type Trouble,
} from "./answers.ts";
import type { End } from "./errors.ts";
import { type Instant, noAnswerInTime, wallLeadMs } from "./runtime.ts";
import type { License, ReleaseRequest, SessionStatus, SymbolLoss } from "./session.ts";
import { symbolKey, symbolsAmong, symbolsWithout } from "./symbols.ts";
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
type Keeping = {
  timing: Timing;
  license: License;
  /** What is neither lost nor released, as the program wrote it; empty without a symbol. */
  symbols: readonly string[];
  rightEndsMs: number;
  /** The lead of the wall clock over the monotonic one when the two were last known to agree. */
  wallLeadMs: number;
  nextBeatMs: number;
  failures: number;
  /** How many requests in a row were not answered in time. */
  unanswered: number;
  /** Whether the service could not read a report: heartbeats then go without one. */
  reportRefused: boolean;
  /** Somebody asks for the session. */
  releaseRequest: ReleaseRequest | undefined;
  /** Whether the next heartbeat says that the session is kept. */
  saysKeep: boolean;
} & ({ phase: "held" } | { phase: "asking"; giveUpMs: number } | { phase: "over"; end: End });

export type KeepingEvent =
  /** @param plannedMs the latest time at which this should have happened */
  | { kind: "woke"; plannedMs: number }
  /** @param saidKeep whether the heartbeat said that the session is kept */
  | {
      kind: "answered";
      outcome: HeartbeatAnswer;
      sent: Instant;
      plannedMs: number;
      saidKeep: boolean;
    }
  /** The program gives up some of several symbols. */
  | { kind: "dropped"; symbols: readonly string[] }
  | { kind: "kept" }
  | { kind: "ended"; end: End };

type Step = {
  keeping: Keeping;
  status?: SessionStatus;
  lost?: readonly SymbolLoss[];
  asked?: ReleaseRequest;
};

type KeepingOptions = TimingOptions & {
  symbol?: string | undefined;
  symbols?: readonly string[] | undefined;
};

/** What `advance` needs besides the state and the event. */
type Circumstances = {
  granted: Granted;
  options: KeepingOptions;
  at: Instant;
  random: number;
};

const leastBeatGapMs = 200;

export function startKeeping(
  granted: Granted,
  sent: Instant,
  options: KeepingOptions,
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
    symbols: options.symbols ?? (options.symbol === undefined ? [] : [options.symbol]),
    rightEndsMs: sent.nowMs + timing.rightMs,
    wallLeadMs: wallLeadMs(sent),
    nextBeatMs: sent.nowMs + heartbeatDelayMs(timing.heartbeatIntervalMs, random),
    failures: 0,
    unanswered: 0,
    reportRefused: false,
    releaseRequest: undefined,
    saysKeep: false,
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
function limitMs(keeping: Keeping): number {
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
    case "dropped":
      return { keeping: { ...keeping, symbols: symbolsWithout(keeping.symbols, event.symbols) } };
    case "kept": {
      const nextBeatMs = Math.min(keeping.nextBeatMs, circumstances.at.nowMs);
      return { keeping: { ...keeping, saysKeep: true, nextBeatMs } };
    }
    case "answered": {
      const { outcome } = event;
      switch (outcome.kind) {
        case "recorded":
          return confirm(keeping, outcome, event, circumstances);
        case "ended":
          return end(keeping, outcome.end);
        case "unreadable": {
          // Only the report can be unreadable, because the claim sent everything else.
          const without = { ...keeping, reportRefused: true };
          const trouble: Trouble = { kind: "trouble", problem: outcome.problem };
          return tryAgain(without, trouble, event.plannedMs, circumstances);
        }
        case "part_lost":
          return loseSome(keeping, outcome, event, circumstances);
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
  { sessionTimeoutMs, heldForMs, license, releaseRequest }: Confirmation,
  { sent, saidKeep }: KeepingEvent & { kind: "answered" },
  { granted, options, at, random }: Circumstances,
): Step {
  const fresh = startKeeping({ ...granted, sessionTimeoutMs, heldForMs }, sent, options, random);
  const { symbols, reportRefused } = keeping;
  const saysKeep = keeping.saysKeep && !saidKeep;
  const renewed = {
    ...fresh,
    symbols,
    reportRefused,
    releaseRequest,
    saysKeep,
    ...(saysKeep && { nextBeatMs: at.nowMs }),
    // A heartbeat's answer does not name the type.
    license: { ...(license ?? keeping.license), type: keeping.license.type },
  };
  // It is said with every heartbeat; the program is asked once.
  const asked = releaseRequest && !keeping.releaseRequest && { asked: releaseRequest };
  // If the machine slept while the answer was on its way, the answer may be out of date.
  if (clocksParted(renewed, at))
    return { ...askSoon(renewed, sent, at, "clocks_parted"), ...asked };
  if (at.nowMs >= renewed.rightEndsMs) return { ...askSoon(renewed, sent, at), ...asked };
  return { ...held(renewed, at), ...asked };
}

type Confirmation = Lease & {
  license?: Omit<License, "type">;
  releaseRequest?: ReleaseRequest | undefined;
};

/** Of several symbols, some are lost. The next heartbeat leaves them out, and so confirms it. */
function loseSome(
  keeping: Keeping,
  { held, lost: named, lease, releaseRequest, trouble }: HeartbeatAnswer & { kind: "part_lost" },
  event: KeepingEvent & { kind: "answered" },
  circumstances: Circumstances,
): Step {
  const symbols = symbolsAmong(keeping.symbols, held);
  const lost = symbolsWithout(keeping.symbols, held).map((symbol): SymbolLoss => {
    const loss = named.find((other) => symbolKey(other.symbol) === symbolKey(symbol));
    return { code: "session_not_found", ...loss, symbol };
  });
  const [first] = lost;
  if (first && symbols.length === 0) {
    const { symbol: _symbol, ...why } = first;
    return end(keeping, { reason: reasonOf(why.code), ...why });
  }
  const rest = { ...keeping, symbols };
  // Such an answer does not say that nobody asks any more.
  const stillAsked = releaseRequest ?? keeping.releaseRequest;
  const step = lease
    ? confirm(rest, { ...lease, releaseRequest: stillAsked }, event, circumstances)
    : tryAgain(rest, trouble, event.plannedMs, circumstances);
  return { ...step, lost };
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

/** Not before 0.2 s after the last heartbeat, in case the service confirms less than that. */
function askSoon(keeping: Keeping, sent: Instant, at: Instant, problem?: "clocks_parted"): Step {
  const step = ask(keeping, at, problem);
  const nextBeatMs = Math.max(at.nowMs, sent.nowMs + leastBeatGapMs);
  return { ...step, keeping: { ...step.keeping, nextBeatMs } };
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
