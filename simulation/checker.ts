import type { Session } from "../clients/typescript/session.ts";
import type { Device } from "./device.ts";
import type { LegacyBot } from "./legacy-bot.ts";
import type { Write } from "./memory-table.ts";
import type { Received } from "./network.ts";
import type { Actor } from "./scheduler.ts";
import { clockToleranceMs, type Handled, type RouteName, seconds } from "./simulated-service.ts";
import {
  freeForOthersAtMs,
  type StoredLicense,
  type StoredSession,
  storedLicense,
} from "./stored-license.ts";
import { trueMs, type WorldContext } from "./world-context.ts";

/** A process that wants a session. */
export type Process = {
  name: string;
  device: Device;
  actor: Actor;
  licenseId: string;
  symbol: string;
  /** The session that it believes to hold. */
  session: Session | undefined;
  /** A legacy bot, instead of a program with the client. */
  legacyBot: LegacyBot | undefined;
  /** The session that it was granted, according to its client. */
  sessionId: string | undefined;
  grantedMs: number;
  /** The latest instant to which any confirmation can have given it a right. */
  confirmedUntilMs: number;
  /** When the latest request that was confirmed was sent. */
  confirmedSentMs: number;
  sent: Map<string, number>;
  goneMs: number | undefined;
  /**
   * Whether it is a legacy bot that was closed: its release names no session and may arrive late.
   */
  releases: boolean;
  /** When the release of another copy of a legacy bot last ended its session. */
  endedByCopyMs: number;
  /** The last state that its client reported. */
  state: string;
  /**
   * It stopped, or waits for something only people can change, so it is not entitled to a session.
   */
  endedForGood: boolean;
};

export type Violation = { rule: string; atMs: number; what: string };

/** The share of its timeout that a session may lose to clock differences and drift. */
const allowedDriftShare = 0.006;
const rememberedMs = 150_000;

export type Checker = ReturnType<typeof createChecker>;

export function createChecker(context: WorldContext, isHandsOff: (licenseId: string) => boolean) {
  const { scheduler } = context;
  const processes = new Set<Process>();
  const everStarted: Process[] = [];
  const writes = new Map<string, { atMs: number; after: StoredLicense }[]>();
  /** The claims of each symbol that were applied, the last one at the end. */
  const claims = new Map<string, { token: number; session: StoredSession }[]>();
  let violation: Violation | undefined;

  function fail(rule: string, what: string): void {
    if (violation) return;
    violation = { rule, atMs: scheduler.nowMs(), what };
    context.note("BROKEN", () => `${rule}: ${what}`);
  }

  function holds({ session, legacyBot, confirmedUntilMs, confirmedSentMs }: Process): boolean {
    if (session) return session.held;
    const marginMs = Math.min(5_000, (confirmedUntilMs - confirmedSentMs) / 6);
    return legacyBot?.trading() === true && scheduler.nowMs() < confirmedUntilMs - marginMs;
  }

  function recent(licenseId: string, fromMs: number): StoredLicense[] {
    const all = writes.get(licenseId) ?? [];
    let from = all.length - 1;
    // Includes the last write before the period, which determines the state at its start.
    while (from > 0 && (all[from]?.atMs ?? 0) > fromMs) from--;
    return all.slice(Math.max(0, from)).map(({ after }) => after);
  }

  return {
    violation: () => violation,
    fail,
    processes,
    started(process: Process) {
      processes.add(process);
      everStarted.push(process);
    },
    gone(process: Process) {
      processes.delete(process);
      process.goneMs = scheduler.nowMs();
    },
    /** The client reports the end of the session, with its own code or the service's. */
    ended(process: Process, code: string) {
      const { licenseId, symbol, device, sessionId, grantedMs, confirmedUntilMs } = process;
      if (!["session_taken", "session_replaced", "session_not_found"].includes(code)) return;
      if (isHandsOff(licenseId)) return;
      const states = writes.get(licenseId) ?? [];
      const lost = states.find(
        ({ atMs, after }) =>
          atMs >= grantedMs && after.sessions.get(symbol)?.sessionId !== sessionId,
      );
      if (lost?.after.sessions.get(symbol)?.endedByOperator) return;
      // A repeated claim writes nothing: its lease counts from the attempt that was applied.
      const own = lost && states[states.indexOf(lost) - 1]?.after.sessions.get(symbol);
      const leaseEndsMs = (own?.lapsesAtMs ?? Infinity) - context.epochMs;
      const earliestMs = Math.min(confirmedUntilMs, leaseEndsMs) - 2 * clockToleranceMs - 1_000;
      if (lost && lost.atMs >= earliestMs) return;
      const twin = everStarted.find(
        (other) =>
          other !== process &&
          other.device === device &&
          other.symbol === symbol &&
          (other.goneMs ?? Infinity) > grantedMs - rememberedMs,
      );
      if (twin) return;
      fail("a healthy bot is never told that its session is gone", `${process.name}: ${code}`);
    },

    sent(process: Process, name: string) {
      process.sent.set(name, scheduler.nowMs());
    },
    received(process: Process, name: string, route: RouteName, received: Received) {
      const sentMs = process.sent.get(name) ?? 0;
      process.sent.delete(name);
      if (!("status" in received) || received.status !== 200 || route === "release") return;
      const body = fieldsOf(received.text);
      const timeoutMs = Number(body.session_timeout_seconds) * 1_000;
      if (body.code !== "granted" && body.code !== "recorded") return;
      // Another copy's release has ended since what this answer confirms.
      if (sentMs <= process.endedByCopyMs) return;
      process.confirmedSentMs = Math.max(process.confirmedSentMs, sentMs);
      process.confirmedUntilMs = Math.max(process.confirmedUntilMs, sentMs + timeoutMs);
    },

    /** Called after everything that happens. */
    look() {
      const holders: Process[] = [];
      for (const process of processes) {
        if (process.device.asleep || process.device.clocksLie || !holds(process)) continue;
        const { confirmedUntilMs, confirmedSentMs } = process;
        const latestMs =
          confirmedUntilMs + (confirmedUntilMs - confirmedSentMs) * allowedDriftShare;
        if (scheduler.nowMs() > latestMs + 1_000) {
          fail(
            "no right without a confirmed request",
            `${process.name} believes, though nothing was confirmed since ${seconds(confirmedSentMs)}`,
          );
        }
        for (const other of holders) {
          if (other.licenseId !== process.licenseId || other.symbol !== process.symbol) continue;
          if (other.device === process.device || isHandsOff(process.licenseId)) continue;
          fail(
            "one device at a time",
            `${other.name} and ${process.name} both believe that they hold ${process.symbol}`,
          );
        }
        holders.push(process);
      }
    },

    wrote({ licenseId, before, after: item }: Write) {
      const after = storedLicense(item);
      const list = writes.get(licenseId) ?? [];
      // Also of an item that was removed, to be put back from a backup.
      const was = before ? storedLicense(before) : list.at(-1)?.after;
      writes.set(licenseId, list);
      list.push({ atMs: scheduler.nowMs(), after });
      while (list.length > 2 && (list[1]?.atMs ?? 0) < scheduler.nowMs() - rememberedMs)
        list.shift();
      if (!was) return;
      if (after.fencingToken < was.fencingToken) {
        fail("tokens never go back", `from ${was.fencingToken} to ${after.fencingToken}`);
      }
      if (after.fencingToken <= was.fencingToken) {
        for (const [symbol, session] of after.sessions)
          checkTimer(symbol, was.sessions.get(symbol), session);
        // A claim would have raised the token, so a session that ends here was released.
        for (const [symbol, session] of was.sessions) {
          if (after.sessions.get(symbol)?.device === undefined)
            forgetLegacyBots(licenseId, symbol, session);
        }
        return;
      }
      for (const [symbol, session] of after.sessions) {
        const old = was.sessions.get(symbol);
        if (old?.sessionId === session.sessionId) continue;
        const claimed = claims.get(`${licenseId} ${symbol}`) ?? [];
        claims.set(`${licenseId} ${symbol}`, claimed);
        claimed.push({ token: after.fencingToken, session });
        if ((old?.device ?? old?.vacatedBy) === session.device) continue;
        if (after.sessions.size > after.maxSessions) {
          fail(
            "seats",
            `${after.sessions.size} sessions on ${after.maxSessions} seats after a claim`,
          );
        }
      }
    },

    handled({ route, request, begunMs, isDoubtful, reply }: Handled, licenseId: string) {
      const body = fieldsOf(reply.text);
      const symbol = String(request.symbol ?? "*");
      const states = recent(licenseId, begunMs);
      const entries = states.map(({ sessions }) => sessions.get(symbol));
      const device = request.device_fingerprint;
      const nowMs = trueMs(context);
      const toleratedMs = 2 * clockToleranceMs + 200;
      const about = `${route} of ${device} for ${symbol}: ${body.code}`;
      const isOwn = (entry: StoredSession | undefined, sessionId: unknown) =>
        entry?.device === device && (sessionId === undefined || entry?.sessionId === sessionId);
      const isLive = (entry: StoredSession | undefined) =>
        entry !== undefined &&
        freeForOthersAtMs(entry) > nowMs - (scheduler.nowMs() - begunMs) - toleratedMs;
      const couldBeHad = ({ sessions, maxSessions }: StoredLicense, name: string, by: unknown) => {
        const blocks = (entry: StoredSession) => freeForOthersAtMs(entry) > nowMs + toleratedMs;
        const entry = sessions.get(name);
        if (entry && (entry.device ?? entry.vacatedBy) !== by && blocks(entry)) return false;
        const others = [...sessions].filter(([other, each]) => other !== name && blocks(each));
        return others.length < maxSessions || isLive(entry);
      };
      switch (body.code) {
        case "granted":
        case "recorded": {
          const sessionId = route === "claim" ? body.session_id : request.session_id;
          const own = entries.filter((entry) => isOwn(entry, sessionId));
          const timeoutMs = Number(body.session_timeout_seconds) * 1_000;
          if (own.length === 0) fail("every 200 was stored", about);
          else if (own.every((entry) => lastsLessThan(entry, timeoutMs))) {
            fail("a session lasts as long as its holder was told", about);
          }
          break;
        }
        case "released":
          if (entries.every((entry) => isOwn(entry, request.session_id))) {
            fail("every 200 was stored", about);
          }
          break;
        case "available":
          if (!isDoubtful && !states.some((state) => couldBeHad(state, symbol, device))) {
            fail("a check says what a claim would meet", about);
          }
          break;
        case "session_conflict":
          if (
            !entries.some(
              (entry) =>
                isLive(entry) &&
                (entry?.device !== device || isOfEarlierClaim(request.claim_id, entry?.sessionId)),
            )
          ) {
            fail("nobody is refused without a reason", about);
          }
          break;
        case "session_limit":
          if (
            !states.some(
              ({ sessions, maxSessions }) =>
                [...sessions.values()].filter(isLive).length >=
                Math.min(maxSessions, sessions.size),
            )
          ) {
            fail("nobody is refused without a reason", about);
          }
          break;
        case "session_taken":
          if (!entries.some((entry) => entry && entry.device !== device)) {
            fail("nobody is refused without a reason", about);
          }
          break;
        case "session_replaced":
          if (!entries.some((entry) => entry?.sessionId !== request.session_id)) {
            fail("nobody is refused without a reason", about);
          }
          break;
        case "session_ended":
          if (!entries.some((entry) => entry?.endedByOperator && entry.vacatedBy === device)) {
            fail("nobody is refused without a reason", about);
          }
          break;
        case "session_not_found":
          if (!entries.some((entry) => !entry?.device)) {
            fail("nobody is refused without a reason", about);
          }
          break;
        default:
      }
    },

    opened(process: Process, session: Session) {
      process.session = session;
      process.sessionId = session.sessionId;
      process.grantedMs = scheduler.nowMs();
      const claimed = claims.get(`${process.licenseId} ${process.symbol}`) ?? [];
      const own = claimed.findLastIndex((each) => each.session.sessionId === session.sessionId);
      if (own < 0) return;
      const earlier = claimed
        .slice(0, own)
        .findLast((each) => each.session.device !== process.device.name);
      if (earlier && session.fencingToken <= earlier.token) {
        fail(
          "tokens rise",
          `${process.name} holds ${session.fencingToken}, and an earlier holder ${earlier.token}`,
        );
      }
      // Applied before this one's answer came.
      const later = claimed[own + 1];
      if (later && session.fencingToken >= later.token) {
        fail(
          "tokens rise",
          `${process.name} holds ${session.fencingToken}, and a later holder ${later.token}`,
        );
      }
    },
  };

  /**
   * Legacy bots name no session, so a release by one copy ends the session of the others on its
   * device, however late it is applied. They find out at their next heartbeat. The guarantees page
   * excludes this case.
   */
  function forgetLegacyBots(licenseId: string, symbol: string, { device }: StoredSession): void {
    const shares = (process: Process) =>
      process.legacyBot !== undefined &&
      process.licenseId === licenseId &&
      process.symbol === symbol &&
      process.device.name === device;
    if (!everStarted.some((process) => shares(process) && process.releases)) return;
    for (const process of processes) {
      if (!shares(process)) continue;
      process.confirmedUntilMs = 0;
      process.endedByCopyMs = scheduler.nowMs();
    }
  }

  function checkTimer(
    symbol: string,
    before: StoredSession | undefined,
    after: StoredSession,
  ): void {
    if (before?.sessionId !== after.sessionId || after.sessionId === undefined) return;
    if ((after.lastHeartbeatMs ?? 0) < (before?.lastHeartbeatMs ?? 0)) {
      fail(
        "a timer never runs backwards",
        `${symbol} from ${before?.lastHeartbeatMs} to ${after.lastHeartbeatMs}`,
      );
    }
  }
}

/** Whether the claim precedes the holder's: the client's ids end in `.process.number`. */
function isOfEarlierClaim(claimId: unknown, holderId: string | undefined): boolean {
  const [, process, opening] = String(claimId).split(".");
  const [, otherProcess, otherOpening] = String(holderId).split(".");
  return (
    process !== undefined && process === otherProcess && Number(opening) < Number(otherOpening)
  );
}

function lastsLessThan(entry: StoredSession | undefined, timeoutMs: number): boolean {
  if (entry?.lapsesAtMs === undefined || entry.lastHeartbeatMs === undefined) return false;
  return entry.lapsesAtMs - entry.lastHeartbeatMs < timeoutMs;
}

export function fieldsOf(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}
