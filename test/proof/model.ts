import type { License } from "../../lambdas/sessions/license.ts";
import type { Session } from "../../lambdas/sessions/session.ts";
import type { Answer, Call, Outcome } from "./call.ts";

/** The clock reading of a call, epoch milliseconds, and the settings of the service. */
export type Circumstances = {
  nowMs: number;
  sessionTimeoutMs: number;
  multiSymbolSessions: boolean;
};

type ClaimCall = Extract<Call, { verb: "claim" | "check" }>;
type HeartbeatCall = Extract<Call, { verb: "heartbeat" }>;
type ReleaseCall = Extract<Call, { verb: "release" }>;

/**
 * The rules of the service, said a second time and without a database: what one call may lead to
 * that meets `item` and has it for itself. There is more than one outcome only where sessions tie
 * for the place of the oldest.
 *
 * @param answered what was answered; of it only the random `session_id` of a claim is taken over
 */
export function possibleOutcomes(
  item: License | undefined,
  call: Call,
  circumstances: Circumstances,
  answered: Answer,
): Outcome[] {
  switch (call.verb) {
    case "claim":
    case "check":
      return outcomesOfClaim(item, call, circumstances, answered.body.session_id);
    case "heartbeat":
      return [outcomeOfHeartbeat(item, call, circumstances)];
    case "release":
      return [outcomeOfRelease(item, call, circumstances)];
    case "suspend":
      return [operator(item, item?.status === "active" && { status: "suspended" })];
    case "activate":
      return [operator(item, item?.status === "suspended" && { status: "active" })];
    case "extend":
      return [operator(item, item && { license_expiration: call.expiresAtMs })];
    case "set-seats":
      return [operator(item, item && { max_sessions: call.seats })];
    case "end-session": {
      const there = item?.sessions[call.sessionSymbol];
      return [operator(item, there && { sessions: without(item.sessions, [call.sessionSymbol]) })];
    }
  }
}

function outcomesOfClaim(
  item: License | undefined,
  call: ClaimCall,
  circumstances: Circumstances,
  sessionId: unknown,
): Outcome[] {
  const { nowMs, sessionTimeoutMs } = circumstances;
  const refused = (status: number, body: Record<string, unknown>): Outcome => ({
    answer: { status, body: { license_valid: false, ...body } },
    item,
  });
  const blockedBy = (code: string, session: Session) =>
    refused(403, {
      session_conflict: true,
      code,
      active_device: masked(session.device_fingerprint),
      estimated_wait_seconds: Math.max(0, Math.ceil((lapsesAtMs(session) - nowMs) / 1000)),
      ...echo(call),
    });
  const lapsesAtMs = (session: Session) => session.last_heartbeat + sessionTimeoutMs;
  const hasLapsed = (session: Session) => lapsesAtMs(session) <= nowMs;

  if (!item) return [refused(401, { code: "license_unknown" })];
  const ended = endOf(item, nowMs);
  if (ended) return [refused(401, { code: ended })];

  const symbol = entryOf(call, circumstances);
  const holder = item.sessions[symbol];
  if (holder && holder.device_fingerprint !== call.device && !hasLapsed(holder)) {
    return [blockedBy("session_conflict", holder)];
  }

  const surplus = holder ? 0 : Object.keys(item.sessions).length + 1 - item.max_sessions;
  const choices = choicesOfOldest(item.sessions, surplus);
  return choices.map(({ symbols, youngest }) => {
    if (youngest && !hasLapsed(youngest)) return blockedBy("session_limit", youngest);
    const after: License =
      call.verb === "check"
        ? item
        : {
            ...item,
            fencing_token: item.fencing_token + 1,
            sessions: {
              ...without(item.sessions, symbols),
              [symbol]: {
                device_fingerprint: call.device,
                session_id: String(sessionId),
                started_at: nowMs,
                last_heartbeat: nowMs,
              },
            },
          };
    return {
      answer: {
        status: 200,
        body: {
          license_valid: true,
          session_conflict: false,
          code: call.verb === "check" ? "available" : "granted",
          license_type: item.license_type,
          expiry_date: isoOf(item.license_expiration),
          ...echo(call),
          active_symbols: liveSymbols(after, circumstances),
          session_timeout_seconds: sessionTimeoutMs / 1000,
          heartbeat_interval_seconds: Math.max(1, Math.floor(sessionTimeoutMs / 3000)),
          ...(call.verb === "claim" && {
            session_id: String(sessionId),
            fencing_token: after.fencing_token,
          }),
        },
      },
      item: after,
    };
  });
}

function outcomeOfHeartbeat(
  item: License | undefined,
  call: HeartbeatCall,
  circumstances: Circumstances,
): Outcome {
  const { nowMs, sessionTimeoutMs } = circumstances;
  const refused = (status: number, body: Record<string, unknown>, after = item): Outcome => ({
    answer: { status, body: { status: "error", ...body } },
    item: after,
  });
  const symbol = entryOf(call, circumstances);
  const session = item?.sessions[symbol];
  if (!item || !session) {
    return refused(500, { code: "session_not_found", session_conflict: false });
  }
  if (session.device_fingerprint !== call.device) {
    const active_device = masked(session.device_fingerprint);
    return refused(500, { code: "session_taken", session_conflict: true, active_device });
  }
  if (call.sessionId !== undefined && call.sessionId !== session.session_id) {
    return refused(500, { code: "session_replaced", session_conflict: true });
  }

  const { bot_version, status, metadata } = call.report;
  const moved: Session = {
    ...session,
    last_heartbeat: nowMs,
    ...(bot_version !== undefined && { bot_version }),
    ...(status !== undefined && { bot_status: status }),
    ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
  };
  const after = { ...item, sessions: { ...item.sessions, [symbol]: moved } };
  const ended = endOf(item, nowMs);
  if (ended) return refused(403, { license_valid: false, code: ended }, after);
  const msLeft =
    item.license_expiration === undefined ? undefined : item.license_expiration - nowMs;
  return {
    answer: {
      status: 200,
      body: {
        status: "success",
        code: "recorded",
        license_valid: true,
        session_conflict: false,
        ...echo(call),
        active_symbols: liveSymbols(after, circumstances),
        license_expiration: isoOf(item.license_expiration),
        days_until_expiration: msLeft === undefined ? null : Math.floor(msLeft / 86_400_000),
        hours_until_expiration: msLeft === undefined ? null : Math.floor(msLeft / 3_600_000),
        session_timeout_seconds: sessionTimeoutMs / 1000,
      },
    },
    item: after,
  };
}

function outcomeOfRelease(
  item: License | undefined,
  call: ReleaseCall,
  circumstances: Circumstances,
): Outcome {
  const symbol = entryOf(call, circumstances);
  const session = item?.sessions[symbol];
  const held =
    session?.device_fingerprint === call.device &&
    (call.sessionId === undefined || call.sessionId === session.session_id);
  if (!item || !held) {
    return { answer: { status: 200, body: { status: "info", code: "not_held" } }, item };
  }
  return {
    answer: { status: 200, body: { status: "success", code: "released" } },
    item: { ...item, sessions: without(item.sessions, [symbol]) },
  };
}

function operator(
  item: License | undefined,
  change: Partial<License> | false | undefined,
): Outcome {
  return item && change
    ? { answer: { status: 200, body: {} }, item: { ...item, ...change } }
    : { answer: { status: 409, body: {} }, item };
}

/** Every way to choose the `count` oldest sessions, with the one among them that lapses last. */
function choicesOfOldest(
  sessions: Record<string, Session>,
  count: number,
): { symbols: string[]; youngest: Session | undefined }[] {
  if (count <= 0) return [{ symbols: [], youngest: undefined }];
  const timers = Object.values(sessions).map((session) => session.last_heartbeat);
  const oldestMs = Math.min(...timers);
  return Object.entries(sessions)
    .filter(([, session]) => session.last_heartbeat === oldestMs)
    .flatMap(([symbol, session]) =>
      choicesOfOldest(without(sessions, [symbol]), count - 1).map((rest) => ({
        symbols: [symbol, ...rest.symbols],
        youngest: rest.youngest ?? session,
      })),
    );
}

function endOf(item: License, nowMs: number): string | undefined {
  if (item.status !== "active") return `license_${item.status}`;
  const lasts = item.license_expiration === undefined || nowMs < item.license_expiration;
  return lasts ? undefined : "license_expired";
}

function entryOf(
  { symbol }: { symbol: string | undefined },
  { multiSymbolSessions }: Circumstances,
): string {
  return multiSymbolSessions && symbol !== undefined ? symbol.toUpperCase() : "*";
}

function echo({ symbol }: { symbol: string | undefined }) {
  return symbol === undefined ? {} : { symbol: symbol.toUpperCase() };
}

function liveSymbols(item: License, { nowMs, sessionTimeoutMs }: Circumstances): string[] {
  return Object.keys(item.sessions)
    .filter((symbol) => {
      const session = item.sessions[symbol];
      return session && session.last_heartbeat + sessionTimeoutMs > nowMs;
    })
    .sort();
}

function isoOf(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

function masked(fingerprint: string): string {
  const characters = Array.from(fingerprint);
  return `${characters.slice(0, Math.min(8, Math.trunc(characters.length / 2))).join("")}...`;
}

function without(sessions: Record<string, Session>, symbols: string[]): Record<string, Session> {
  return Object.fromEntries(Object.entries(sessions).filter(([name]) => !symbols.includes(name)));
}
