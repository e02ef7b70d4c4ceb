import type { License } from "../../lambdas/rules/license.ts";
import type { Answer, Call, Outcome } from "./call.ts";

/** The clock reading of a call, epoch milliseconds, and the settings of the service. */
type CallContext = {
  nowMs: number;
  sessionTimeoutMs: number;
  multiSymbolSessions: boolean;
};

/** An entry of `sessions`, as it is stored. */
type Entry = { [Name in keyof Held]?: Held[Name] | undefined } & {
  lapses_at: number;
  vacated_by?: string | undefined;
  vacated_session_id?: string | undefined;
  ended?: true | undefined;
};

type Held = {
  device_fingerprint: string;
  session_id: string;
  started_at: number;
  last_heartbeat: number;
  contested_until?: number | undefined;
  bot_version?: string | undefined;
  bot_status?: string | undefined;
  metadata?: string | undefined;
};

type Entries = Record<string, Entry>;

type ClaimCall = Extract<Call, { verb: "claim" | "check" }>;
type HeartbeatCall = Extract<Call, { verb: "heartbeat" }>;
type ReleaseCall = Extract<Call, { verb: "release" }>;

/**
 * A second, independent statement of the service's rules, without a database: the possible outcomes
 * of one call on `item` without concurrency. There is more than one only if sessions tie for the
 * oldest.
 *
 * @param answered the actual answer, of which only the random `session_id` of a claim is used
 */
export function possibleOutcomes(
  item: License | undefined,
  call: Call,
  asDeployed: CallContext,
  answered: Answer,
): Outcome[] {
  const timeoutMs = "timeoutMs" in call ? call.timeoutMs : undefined;
  const context = {
    ...asDeployed,
    sessionTimeoutMs: timeoutMs ?? asDeployed.sessionTimeoutMs,
  };
  switch (call.verb) {
    case "claim":
    case "check":
      return outcomesOfClaim(item, call, context, answered.body.session_id);
    case "heartbeat":
      return [outcomeOfHeartbeat(item, call, context)];
    case "release":
      return [outcomeOfRelease(item, call, context)];
    case "suspend":
      return [operator(item, item?.status === "active" && { status: "suspended" })];
    case "activate":
      return [operator(item, item?.status === "suspended" && { status: "active" })];
    case "extend":
      return [operator(item, item && { license_expiration: call.expiresAtMs })];
    case "set-seats":
      return [operator(item, item && { max_sessions: call.seats })];
    case "end-session":
      return [outcomeOfEnd(item, call.sessionSymbol)];
  }
}

function outcomesOfClaim(
  item: License | undefined,
  call: ClaimCall,
  context: CallContext,
  sessionId: unknown,
): Outcome[] {
  const { nowMs, sessionTimeoutMs } = context;
  const refused = (status: number, body: Record<string, unknown>): Outcome => ({
    answer: { status, body: { license_valid: false, ...body } },
    item,
  });
  const blockedBy = (code: string, entry: Entry) =>
    refused(403, {
      session_conflict: true,
      code,
      active_device: masked(ownerOf(entry)),
      estimated_wait_seconds: Math.max(0, Math.ceil((freeAt(entry) - nowMs) / 1000)),
      ...echo(call),
    });

  if (!item) return [refused(401, { code: "license_unknown" })];
  const ended = endOf(item, nowMs);
  if (ended) return [refused(401, { code: ended })];

  const entries: Entries = item.sessions;
  const symbol = entryOf(call, context);
  const current = entries[symbol];
  const mine = current && ownerOf(current) === call.device;
  const claimId = call.verb === "claim" && call.claimId !== undefined ? call.claimId : sessionId;
  const granted = (
    after: License,
    code: "granted" | "available",
    leaseSeconds = sessionTimeoutMs / 1000,
  ): Outcome => ({
    answer: {
      status: 200,
      body: {
        license_valid: true,
        session_conflict: false,
        code,
        license_type: item.license_type,
        expiry_date: isoOf(item.license_expiration),
        ...echo(call),
        active_symbols: liveSymbols(after, context),
        session_timeout_seconds: Math.floor(leaseSeconds),
        heartbeat_interval_seconds: Math.max(1, Math.floor(leaseSeconds / 3)),
        ...(code === "granted" && {
          session_id: String(claimId),
          fencing_token: after.fencing_token,
        }),
      },
    },
    item: after,
  });
  const wasApplied =
    call.verb === "claim" && mine && current.session_id === claimId && nowMs < current.lapses_at;
  if (wasApplied) {
    // It reports the lease that was granted then, not one of the current length.
    return [granted(item, "granted", (current.lapses_at - Number(current.last_heartbeat)) / 1000)];
  }

  const isFree = !current || freeAt(current) <= nowMs;
  const isLateAttempt =
    call.verb === "claim" &&
    (current?.vacated_session_id === claimId ||
      isOfEarlierClaim(claimId, current?.vacated_session_id ?? current?.session_id));
  if (!isFree && (!mine || isLateAttempt)) return [blockedBy("session_conflict", current)];

  const others = without(entries, [symbol]);
  // A device that replaces its own live session keeps its seat, even if the seats were reduced.
  const surplus = isFree ? Object.keys(others).length + 1 - item.max_sessions : 0;
  return choicesOfFirstFree(others, surplus).map(({ symbols, last }) => {
    if (last && nowMs < freeAt(last)) return blockedBy("session_limit", last);
    if (call.verb === "check") return granted(item, "available");
    const claimed: Entry = {
      device_fingerprint: call.device,
      session_id: String(claimId),
      started_at: nowMs,
      last_heartbeat: nowMs,
      lapses_at: nowMs + sessionTimeoutMs,
      ...(!isFree && { contested_until: freeAt(current) }),
    };
    const kept = Object.entries(without(others, symbols)).filter(
      ([, entry]) => nowMs - freeAt(entry) <= sevenDaysMs,
    );
    return granted(
      {
        ...item,
        fencing_token: item.fencing_token + 1,
        sessions: { ...Object.fromEntries(kept), [symbol]: claimed } as License["sessions"],
      },
      "granted",
    );
  });
}

/** Ids end in `.process.number`, if they are in an order at all. */
function isOfEarlierClaim(claimId: unknown, lastId: unknown): boolean {
  const [earlier, later] = [claimId, lastId].map((id) => String(id).split("."));
  if (earlier?.length !== 3 || later?.length !== 3) return false;
  return earlier[1] === later[1] && Number(earlier[2]) < Number(later[2]);
}

function outcomeOfHeartbeat(
  item: License | undefined,
  call: HeartbeatCall,
  context: CallContext,
): Outcome {
  const { nowMs, sessionTimeoutMs } = context;
  const refused = (status: number, body: Record<string, unknown>, after = item): Outcome => ({
    answer: { status, body: { status: "error", ...body } },
    item: after,
  });
  if (!item) return refused(500, { license_valid: false, code: "license_unknown" });
  const symbol = entryOf(call, context);
  const entry: Entry | undefined = item.sessions[symbol];
  const session = sessionHeldBy(call, entry);
  const ended = endOf(item, nowMs);
  if (!session || nowMs < session.last_heartbeat) {
    if (ended) return refused(500, { license_valid: false, code: ended });
    return refused(500, whyNotKept(call, entry, session));
  }

  const { bot_version, status, metadata } = call.report;
  const renewed: Entry = {
    ...session,
    last_heartbeat: nowMs,
    // A lease that was granted for longer is not shortened.
    lapses_at: Math.max(session.lapses_at, nowMs + sessionTimeoutMs),
    ...(bot_version !== undefined && { bot_version }),
    ...(status !== undefined && { bot_status: status }),
    ...(metadata !== undefined && { metadata: JSON.stringify(metadata) }),
  };
  const sessions = { ...item.sessions, [symbol]: renewed } as License["sessions"];
  const after = { ...item, sessions };
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
        active_symbols: liveSymbols(after, context),
        license_expiration: isoOf(item.license_expiration),
        days_until_expiration: msLeft === undefined ? null : Math.floor(msLeft / 86_400_000),
        hours_until_expiration: msLeft === undefined ? null : msLeft / 3_600_000,
        session_timeout_seconds: sessionTimeoutMs / 1000,
      },
    },
    item: after,
  };
}

function whyNotKept(call: HeartbeatCall, entry: Entry | undefined, mine: Entry | undefined) {
  if (mine) return { code: "heartbeat_late", session_conflict: false };
  if (entry?.ended && entry.vacated_by === call.device) {
    return { code: "session_ended", session_conflict: true };
  }
  if (entry?.device_fingerprint === undefined) {
    return { code: "session_not_found", session_conflict: false };
  }
  return entry.device_fingerprint === call.device
    ? { code: "session_replaced", session_conflict: true }
    : {
        code: "session_taken",
        session_conflict: true,
        active_device: masked(entry.device_fingerprint),
      };
}

function outcomeOfRelease(
  item: License | undefined,
  call: ReleaseCall,
  context: CallContext,
): Outcome {
  const symbol = entryOf(call, context);
  const session = sessionHeldBy(call, item?.sessions[symbol]);
  if (!item || !session) {
    return { answer: { status: 200, body: { status: "info", code: "not_held" } }, item };
  }
  const { contested_until = 0, device_fingerprint } = session;
  const sessions =
    context.nowMs < contested_until
      ? {
          ...item.sessions,
          [symbol]: {
            vacated_by: String(device_fingerprint),
            vacated_session_id: session.session_id,
            lapses_at: contested_until,
          },
        }
      : without(item.sessions, [symbol]);
  return {
    answer: { status: 200, body: { status: "success", code: "released" } },
    item: { ...item, sessions: sessions as License["sessions"] },
  };
}

/** The entry stays for as long as the device that held it may believe it still does; no heartbeat revives it. */
function outcomeOfEnd(item: License | undefined, symbol: string): Outcome {
  const entry: Entry | undefined = item?.sessions[symbol];
  if (!item || entry?.device_fingerprint === undefined) return operator(item, false);
  const vacancy = {
    vacated_by: entry.device_fingerprint,
    vacated_session_id: entry.session_id,
    lapses_at: freeAt(entry),
    ended: true as const,
  };
  return operator(item, { sessions: { ...item.sessions, [symbol]: vacancy } });
}

function operator(
  item: License | undefined,
  change: Partial<License> | false | undefined,
): Outcome {
  return item && change
    ? { answer: { status: 200, body: {} }, item: { ...item, ...change } }
    : { answer: { status: 409, body: {} }, item };
}

/** Every way to choose the `count` entries that are free first, with the last of them to be free. */
function choicesOfFirstFree(
  entries: Entries,
  count: number,
): { symbols: string[]; last: Entry | undefined }[] {
  if (count <= 0) return [{ symbols: [], last: undefined }];
  const firstFreeAt = Math.min(...Object.values(entries).map(freeAt));
  return Object.entries(entries)
    .filter(([, entry]) => freeAt(entry) === firstFreeAt)
    .flatMap(([symbol, entry]) =>
      choicesOfFirstFree(without(entries, [symbol]), count - 1).map((rest) => ({
        symbols: [symbol, ...rest.symbols],
        last: rest.last ?? entry,
      })),
    );
}

const sevenDaysMs = 7 * 86_400_000;

/** When another device may have it: the leases of all who may believe they hold it are over. */
function freeAt({ lapses_at, contested_until = 0 }: Entry): number {
  return Math.max(lapses_at, contested_until);
}

function ownerOf({ device_fingerprint, vacated_by }: Entry): string {
  return device_fingerprint ?? String(vacated_by);
}

function sessionHeldBy(
  { device, sessionId }: HeartbeatCall | ReleaseCall,
  entry: Entry | undefined,
): (Entry & Held) | undefined {
  const held =
    entry?.device_fingerprint === device &&
    (sessionId === undefined || entry.session_id === sessionId);
  return held ? (entry as Entry & Held) : undefined;
}

function endOf(item: License, nowMs: number): string | undefined {
  if (item.status !== "active") return `license_${item.status}`;
  const lasts = item.license_expiration === undefined || nowMs < item.license_expiration;
  return lasts ? undefined : "license_expired";
}

function entryOf(
  { symbol }: { symbol: string | undefined },
  { multiSymbolSessions }: CallContext,
): string {
  return multiSymbolSessions && symbol !== undefined ? symbol.toUpperCase() : "*";
}

function echo({ symbol }: { symbol: string | undefined }) {
  return symbol === undefined ? {} : { symbol: symbol.toUpperCase() };
}

function liveSymbols(item: License, { nowMs }: CallContext): string[] {
  return Object.keys(item.sessions)
    .filter((symbol) => {
      const entry: Entry | undefined = item.sessions[symbol];
      return entry?.session_id !== undefined && nowMs < entry.lapses_at;
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

function without(entries: Entries, symbols: string[]): Entries {
  return Object.fromEntries(Object.entries(entries).filter(([name]) => !symbols.includes(name)));
}
