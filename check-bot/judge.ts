import type { Finding } from "./findings.ts";
import type { CaseRecord, Exchange, ProgramRecord } from "./record.ts";
import { silenceAllowedSeconds } from "./stage.ts";

/** Between the end of a right and a TRADE that a program could not hold back any more. */
const onTheWayMs = 300;

/** After an answer that ends the session: one turn of a bot's loop. */
const reactsWithinMs = 700;

/**
 * So many in one second are more than a program sends that pauses between attempts, even if it
 * shortens the pause for a short lease.
 */
const requestsAtOnce = 11;

/** After these answers a program stops, and opens no session by itself. */
const endings: ReadonlySet<string> = new Set([
  "session_taken",
  "session_replaced",
  "session_ended",
  "license_unknown",
  "license_suspended",
  "license_cancelled",
  "license_expired",
]);

type Span = { fromMs: number; untilMs: number };

/** What a case's judge is told besides the record. */
type Judged = {
  record: CaseRecord;
  licenseKey: string;
  endedAtMs: number;
  /** The greatest lag of the examiner while the case ran. */
  lagMs: number;
  /** For the case of the ordinary life: every rule of form and of timing as well. */
  strictly?: { intervalSeconds: number };
};

/** What was wrong with the programs of a case, apart from what its script found. */
export function judge(judged: Judged): Finding[] {
  return judged.record.programs.flatMap((program, index) => {
    const exchanges = judged.record.exchanges.filter((exchange) => exchange.program === index);
    const rights = rightsOf(exchanges);
    return [
      ...tradesWithoutRight(program, exchanges, rights, judged.lagMs),
      ...stopsWithRight(program, rights, judged),
      ...claims(exchanges),
      ...hammering(exchanges),
      ...releases(exchanges),
      ...output(program, judged.licenseKey),
      ...(judged.strictly ? manners(exchanges, judged.strictly.intervalSeconds) : []),
    ];
  });
}

/**
 * When the program may trade: each confirming answer gives it the time that it names, counted from
 * the sending of its request.
 */
export function rightsOf(exchanges: readonly Exchange[]): Span[] {
  const rights: Span[] = [];
  const answered = exchanges
    .flatMap((exchange) => (exchange.answer ? [{ ...exchange, answer: exchange.answer }] : []))
    .sort((a, b) => a.answer.atMs - b.answer.atMs);
  for (const { route, askedAtMs, answer } of answered) {
    if (answer.heldForMs !== undefined) {
      rights.push({ fromMs: answer.atMs, untilMs: askedAtMs + answer.heldForMs });
    } else if (endsSession(route, answer.code)) {
      for (const right of rights) right.untilMs = Math.min(right.untilMs, answer.atMs);
    }
  }
  for (const { route, askedAtMs } of exchanges) {
    if (route !== "release") continue;
    for (const right of rights) {
      if (right.fromMs < askedAtMs) right.untilMs = Math.min(right.untilMs, askedAtMs);
    }
  }
  return united(rights.filter(({ fromMs, untilMs }) => fromMs < untilMs));
}

function endsSession(route: Exchange["route"], code: string): boolean {
  return route === "heartbeat" && (endings.has(code) || code === "session_not_found");
}

function united(spans: readonly Span[]): Span[] {
  const result: Span[] = [];
  for (const span of spans.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const last = result.at(-1);
    if (last && span.fromMs <= last.untilMs) last.untilMs = Math.max(last.untilMs, span.untilMs);
    else result.push({ ...span });
  }
  return result;
}

function tradesWithoutRight(
  program: ProgramRecord,
  exchanges: readonly Exchange[],
  rights: readonly Span[],
  lagMs: number,
): Finding[] {
  const allowedMs = onTheWayMs + lagMs;
  const endedAtMs = exchanges
    .filter(({ route, answer }) => answer && endsSession(route, answer.code))
    .map(({ answer }) => answer?.atMs ?? 0);
  const wrong: Span[] = [];
  let inFlight = 0;
  for (const atMs of program.tradesAtMs) {
    if (
      rights.some(({ fromMs, untilMs }) => fromMs - lagMs <= atMs && atMs <= untilMs + allowedMs)
    ) {
      continue;
    }
    if (endedAtMs.some((endMs) => endMs <= atMs && atMs <= endMs + reactsWithinMs + lagMs))
      continue;
    // One that the stop caught between the look at the clock and the print.
    const woke = program.paused.find(
      ({ untilMs }) => untilMs <= atMs && atMs <= untilMs + allowedMs,
    );
    if (woke && ++inFlight <= program.paused.length) continue;
    const last = wrong.at(-1);
    const rightBetween = rights.some(({ fromMs }) => last && last.fromMs < fromMs && fromMs < atMs);
    if (last && !rightBetween) last.untilMs = atMs;
    else wrong.push({ fromMs: atMs, untilMs: atMs });
  }
  return wrong.map(({ fromMs, untilMs }) => {
    const before = rights.filter((right) => right.untilMs <= fromMs).at(-1);
    const seconds = (untilMs - (before?.untilMs ?? fromMs)) / 1_000;
    return {
      kind: "traded-without-right",
      atMs: fromMs,
      seconds,
      text: before
        ? `traded until ${clock(untilMs)}, ${seconds.toFixed(1)} s beyond its right, which ended at ${clock(before.untilMs)}`
        : `traded from ${clock(fromMs)} until ${clock(untilMs)}, before it had any right`,
    };
  });
}

function stopsWithRight(
  program: ProgramRecord,
  rights: readonly Span[],
  { endedAtMs, lagMs }: Judged,
): Finding[] {
  const endMs = Math.min(endedAtMs, program.toldToStopAtMs ?? Number.POSITIVE_INFINITY);
  const exit = program.exited;
  const exitedWithRight =
    exit && exit.atMs < endMs && rights.find((r) => r.fromMs <= exit.atMs && exit.atMs < r.untilMs);
  if (exit && exitedWithRight) {
    const text = `exited with ${exit.how} at ${clock(exit.atMs)}, although it had the right until ${clock(exitedWithRight.untilMs)}`;
    return [{ kind: "ended-with-right", atMs: exit.atMs, text }];
  }
  const allowedMs = silenceAllowedSeconds * 1_000 + lagMs;
  return rights.flatMap((right): Finding[] => {
    const untilMs = Math.min(right.untilMs, endMs, exit?.atMs ?? endMs);
    const marks = [right.fromMs, ...program.tradesAtMs, ...program.paused.map((p) => p.untilMs)]
      .filter((atMs) => right.fromMs <= atMs && atMs <= untilMs)
      .sort((a, b) => a - b);
    marks.push(untilMs);
    for (const [index, fromMs] of marks.entries()) {
      const toMs = marks[index + 1] ?? fromMs;
      const pausedMs = program.paused
        .filter((pause) => pause.fromMs >= fromMs && pause.untilMs <= toMs)
        .reduce((sum, pause) => sum + pause.untilMs - pause.fromMs, 0);
      if (toMs - fromMs - pausedMs <= allowedMs) continue;
      const text = `did not trade from ${clock(fromMs)} until ${clock(toMs)}, although it had the right`;
      return [{ kind: "stopped-with-right", atMs: fromMs, text }];
    }
    return [];
  });
}

function claims(exchanges: readonly Exchange[]): Finding[] {
  const findings: Finding[] = [];
  let ending: Exchange | undefined;
  /** The last opening, and whether its attempts are over for the program. */
  let opening: { run: unknown; number: unknown; over: boolean } | undefined;
  for (const exchange of exchanges) {
    const { route, askedAtMs, sent, answer } = exchange;
    if (route === "claim") {
      if (ending?.answer && ending.answer.atMs < askedAtMs) {
        const text = `claimed again at ${clock(askedAtMs)}, after the answer ${ending.answer.code}`;
        findings.push({ kind: "claimed-again", atMs: askedAtMs, text });
        ending = undefined;
      }
      findings.push(...claimNumber(exchange, opening));
      opening = {
        run: sent.run_id,
        number: sent.claim_number,
        over: answer !== undefined && answer.code !== "" && answer.code !== "internal_error",
      };
    }
    if (answer && endings.has(answer.code)) ending = exchange;
  }
  return findings;
}

function claimNumber(
  { askedAtMs, sent }: Exchange,
  last: { run: unknown; number: unknown; over: boolean } | undefined,
): Finding[] {
  if (sent.run_id === undefined || last === undefined) return [];
  const find = (kind: "run-not-named" | "claim-number-wrong", text: string): Finding[] => [
    { kind, atMs: askedAtMs, text: `${text} (claim at ${clock(askedAtMs)})` },
  ];
  if (last.run !== sent.run_id) {
    return find("run-not-named", "changed its run_id, which one run of the program keeps");
  }
  if (!last.over && last.number !== sent.claim_number) {
    return find("claim-number-wrong", "repeated an attempt under another claim_number");
  }
  return [];
}

function hammering(exchanges: readonly Exchange[]): Finding[] {
  const times = exchanges.filter(({ route }) => route !== "release").map((e) => e.askedAtMs);
  const at = times.findIndex(
    (atMs, i) => (times[i + requestsAtOnce - 1] ?? Infinity) - atMs < 1_000,
  );
  const atMs = times[at];
  if (atMs === undefined) return [];
  const text = `sent ${requestsAtOnce} requests or more within a second at ${clock(atMs)}`;
  return [{ kind: "asked-too-often", atMs, text }];
}

function releases(exchanges: readonly Exchange[]): Finding[] {
  const claims = exchanges.filter(({ route }) => route === "claim");
  const sessions = new Set<unknown>(claims.map(({ answer }) => answer?.sessionId));
  const runs = new Set<unknown>(claims.map(({ sent }) => sent.run_id));
  return exchanges.flatMap(({ route, askedAtMs, sent }): Finding[] => {
    if (route !== "release") return [];
    const find = (text: string): Finding[] => [
      { kind: "released-wrong-session", atMs: askedAtMs, text: `${text} (${clock(askedAtMs)})` },
    ];
    const { session_id: session = undefined, run_id: run = undefined } = sent;
    if (session === undefined && run === undefined) {
      return find("released without naming its session, which frees nothing that has a name");
    }
    const own = session === undefined ? runs.has(run) : sessions.has(session);
    return own ? [] : find("released another session than its own");
  });
}

function output(program: ProgramRecord, licenseKey: string): Finding[] {
  const findings: Finding[] = [];
  if (program.output.includes(licenseKey)) {
    findings.push({ kind: "leaked-key", atMs: 0, text: "printed the license key" });
  }
  if (program.bursts > 2) {
    const text =
      "printed its TRADE lines in bursts: flush each line, or print `TRADE` and the wall clock in milliseconds";
    findings.push({ kind: "trade-lines-held-back", atMs: 0, text });
  }
  return findings;
}

/** The form of requests, and the pace of heartbeats while nothing is in the way. */
function manners(exchanges: readonly Exchange[], intervalSeconds: number): Finding[] {
  const findings: Finding[] = [];
  const find = (kind: Finding["kind"], atMs: number, text: string) =>
    void findings.push({ kind, atMs, text });
  const first = exchanges.find(({ route }) => route === "claim");
  if (first) {
    const { run_id: run, claim_number: number } = first.sent;
    if (typeof run !== "string" || !/^[\x20-\x7e]{16,64}$/.test(run)) {
      find("run-not-named", first.askedAtMs, "claimed without a run_id of 16 to 64 characters");
    } else if (number !== 1) {
      find("claim-number-wrong", first.askedAtMs, `its first claim_number is ${number}, not 1`);
    }
  }
  const beats = exchanges.filter(({ route }) => route === "heartbeat");
  const unnamed = beats.find(({ sent }) => typeof sent.session_id !== "string");
  if (unnamed) {
    find("session-not-named", unnamed.askedAtMs, "sent a heartbeat without session_id");
  }
  const granted = exchanges.find(({ route, answer }) => route === "claim" && answer?.heldForMs);
  const moments = [granted, ...beats].flatMap((exchange) => (exchange ? [exchange.askedAtMs] : []));
  for (const [index, atMs] of moments.entries()) {
    const gap = ((moments[index + 1] ?? Number.NaN) - atMs) / 1_000;
    if (gap > intervalSeconds * 1.5 + 0.5) {
      find(
        "beat-too-rarely",
        atMs,
        `sent no heartbeat for ${gap.toFixed(1)} s; the service names ${intervalSeconds} s`,
      );
    }
    if (index > 0 && gap < intervalSeconds / 2) {
      find(
        "beat-too-often",
        atMs,
        `sent two heartbeats within ${gap.toFixed(1)} s; the service names ${intervalSeconds} s`,
      );
    }
  }
  return findings;
}

/** A moment of the case, as its trace has it. */
export function clock(atMs: number): string {
  return `${(atMs / 1_000).toFixed(1)} s`;
}
