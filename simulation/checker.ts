import { createAnswerChecks } from "./check-answers.ts";
import { createLapseChecks } from "./check-lapses.ts";
import { createLineChecks } from "./check-lines.ts";
import { createWriteChecks } from "./check-writes.ts";
import { createAskCounts } from "./count-asks.ts";
import { createLicenseHistory } from "./license-history.ts";
import type { Write } from "./memory-table.ts";
import type { Received } from "./network.ts";
import type { Belief, Process } from "./process-of.ts";
import { type Handled, type RouteName, seconds } from "./simulated-service.ts";
import { type StoredEntry, storedLicense } from "./stored-license.ts";
import type { WorldContext } from "./world-context.ts";

export type Violation = { rule: string; atMs: number; what: string };

/** How much of its right a device's clock may make longer: it runs a sixtieth slow. */
const slowestClock = 59 / 60;

/** How long requests of a process that is gone may still arrive. */
const lateForMs = 300_000;

export type Checker = ReturnType<typeof createChecker>;

/**
 * Watches a world for a broken promise. `docs/guarantees.md` names the rule of each promise. Nothing
 * here is taken from `lambdas/rules` but how a device is shown: with the rules, a checker would share
 * their faults.
 *
 * @param only the rules that count, if not all do
 */
export function createChecker(
  context: WorldContext,
  isHandsOff: () => boolean,
  only?: ReadonlySet<string>,
) {
  const { scheduler } = context;
  const processes = new Set<Process>();
  const everStarted: Process[] = [];
  const history = createLicenseHistory(context);
  const writes = createWriteChecks(context, fail);
  const answers = createAnswerChecks(context, history, fail);
  const lapses = createLapseChecks(context, history, fail);
  const asks = createAskCounts();
  const lines = createLineChecks(history, fail);
  /** By symbol and device, the greatest token with which it was held. */
  const heldWith = new Map<string, Map<string, number>>();
  /** What was believed when all was compared last. */
  let compared = new Map<Process, Belief>();
  let violation: Violation | undefined;

  function fail(rule: string, what: string): void {
    if (violation || only?.has(rule) === false) return;
    violation = { rule, atMs: scheduler.nowMs(), what };
    context.note("BROKEN", () => `${rule}: ${what}`);
  }

  return {
    violation: () => violation,
    fail,
    processes,
    lapses,
    counts: () => [...asks.counts(), ...lapses.counts()],
    started(process: Process) {
      processes.add(process);
      everStarted.push(process);
    },
    gone(process: Process) {
      processes.delete(process);
      process.goneMs = scheduler.nowMs();
    },

    /** The client reports that it has lost a symbol, with the service's code. */
    lost(process: Process, symbol: string, code: string) {
      if (!["session_taken", "session_replaced", "session_not_found"].includes(code)) return;
      if (isHandsOff()) return;
      const { sessionId, grantedMs, licenseId } = process;
      const isOwn = (entry: StoredEntry | undefined) =>
        entry?.isSession === true && entry.sessionId === sessionId;
      const states = history.of(licenseId);
      const lostAt = states.findIndex(
        ({ atMs, license }) => atMs >= grantedMs && !isOwn(license?.entries.get(symbol)),
      );
      const { atMs = 0, license } = states[lostAt] ?? {};
      const now = license?.entries.get(symbol);
      // An operator ended it, deleted the license, or restored a backup.
      if (now?.endedByOperator || (lostAt >= 0 && !license)) return;
      // Before the claim was answered, or longer ago than states are kept.
      const own = states[lostAt - 1]?.license?.entries.get(symbol);
      if (lostAt >= 0 && !isOwn(own)) return;
      // Another device takes it by its own clock's time, which may be 2 s ahead.
      if (own && atMs + context.epochMs + 2_000 >= own.lapsesAtMs) return;
      const twin = everStarted.find(
        (other) =>
          other !== process &&
          other.device === process.device &&
          other.symbols.includes(symbol) &&
          (other.goneMs ?? Number.POSITIVE_INFINITY) > grantedMs - lateForMs,
      );
      if (twin) return;
      fail("a healthy bot is never told that its session is gone", `${process.name}: ${code}`);
    },

    /** The client reports that somebody asks for its session. */
    asked(process: Process) {
      process.askedFor++;
      if (process.askedFor > writes.asksOf(process.sessionId)) {
        fail("a holder is asked once", `${process.name}, ${process.askedFor} times`);
      }
    },

    sent(process: Process, name: string) {
      process.sent.set(name, scheduler.nowMs());
    },
    received(process: Process, name: string, route: RouteName, received: Received) {
      const sentMs = process.sent.get(name) ?? 0;
      process.sent.delete(name);
      if (!("status" in received) || (route !== "claim" && route !== "heartbeat")) return;
      const { code, held_for_seconds, session_timeout_seconds, symbols_held } = fieldsOf(
        received.text,
      );
      const isConfirmed =
        received.status === 200
          ? code === "granted" || code === "recorded"
          : Array.isArray(symbols_held) && symbols_held.length > 0;
      const named = process.countsTimeout ? session_timeout_seconds : held_for_seconds;
      const heldMs = Number(named) * 1_000;
      // Another copy's release has ended since what this answer confirms.
      if (!isConfirmed || !(heldMs > 0) || sentMs <= process.endedByCopyMs) return;
      if (sentMs + heldMs <= process.confirmedUntilMs) return;
      process.confirmedSentMs = sentMs;
      process.confirmedUntilMs = sentMs + heldMs;
    },

    /** Called after everything that happens. */
    look() {
      const beliefs = new Map<Process, Belief>();
      for (const process of processes) {
        if (process.device.asleep || process.device.clocksLie) continue;
        const belief = process.believes();
        if (!belief) continue;
        beliefs.set(process, belief);
        const { confirmedUntilMs, confirmedSentMs } = process;
        const latestMs = confirmedSentMs + (confirmedUntilMs - confirmedSentMs) / slowestClock;
        if (scheduler.nowMs() > latestMs + 1_000) {
          fail(
            "no right without a confirmed request",
            `${process.name} believes, though nothing was confirmed since ${seconds(confirmedSentMs)}`,
          );
        }
      }
      if (!isHandsOff() && areSame(beliefs, compared)) return;
      compared = beliefs;
      compareBeliefs(beliefs);
    },

    wrote(write: Write) {
      const { licenseId, before, after } = write;
      for (const each of [history, writes, lapses, asks]) each.wrote(write);
      if (!before) return;
      // A session that goes without a claim was released, unless an operator has ended it.
      const left = after && storedLicense(after).entries;
      for (const [symbol, entry] of storedLicense(before).entries) {
        if (entry.isSession && left && !left.has(symbol))
          forgetLegacyBots(symbol, entry, licenseId);
      }
    },

    handled(handled: Handled) {
      for (const each of [answers, lines, lapses, asks]) each.handled(handled);
    },

    /** A line of the log of a function. */
    logged(line: object) {
      for (const each of [lines, lapses, asks]) each.logged(line);
    },
  };

  function compareBeliefs(beliefs: ReadonlyMap<Process, Belief>): void {
    const holders = new Map<string, Process[]>();
    for (const [process, { symbols, token }] of beliefs) {
      if (isExcepted(process)) continue;
      for (const symbol of symbols) {
        const others = holders.get(symbol) ?? [];
        for (const other of others) {
          if (other.device === process.device || isHandsOff()) continue;
          fail(
            "one device at a time",
            `${other.name} and ${process.name} both believe that they hold ${symbol}`,
          );
        }
        holders.set(symbol, [...others, process]);
        if (token !== undefined) compareTokens(process, symbol, token);
      }
    }
  }

  /** Tokens are compared as long as they are used, not only when they are granted. */
  function compareTokens({ name, device }: Process, symbol: string, token: number): void {
    const byDevice = heldWith.get(symbol) ?? new Map<string, number>();
    heldWith.set(symbol, byDevice);
    for (const [other, greatest] of byDevice) {
      if (other === device.name || token > greatest || isHandsOff()) continue;
      fail("tokens rise", `${name} holds ${symbol} with ${token}, and ${other} with ${greatest}`);
    }
    byDevice.set(device.name, Math.max(token, byDevice.get(device.name) ?? 0));
  }

  /** Copies of one run share a session and end each other: the guarantees page excludes them. */
  function isExcepted(process: Process): boolean {
    return (
      process.storedRun !== undefined &&
      everStarted.some(
        (other) =>
          other !== process &&
          other.storedRun !== undefined &&
          other.device === process.device &&
          (other.goneMs ?? Number.POSITIVE_INFINITY) > process.startedMs - lateForMs,
      )
    );
  }

  /**
   * Legacy bots name no session. A release by one of them that arrives more than two minutes after a
   * later one on its device was granted the session ends that one. The guarantees page excludes it.
   */
  function forgetLegacyBots(symbol: string, entry: StoredEntry, licenseId: string): void {
    if (entry.isNamed || history.of(licenseId).length === 0) return;
    const shares = (process: Process) =>
      process.kind === "legacy" &&
      process.symbols.includes(symbol) &&
      process.device.name === entry.device;
    if (!everStarted.some((process) => shares(process) && process.releases)) return;
    for (const process of processes) {
      if (!shares(process)) continue;
      process.confirmedUntilMs = 0;
      process.confirmedSentMs = 0;
      process.endedByCopyMs = scheduler.nowMs();
    }
  }
}

function areSame(
  some: ReadonlyMap<Process, Belief>,
  others: ReadonlyMap<Process, Belief>,
): boolean {
  if (some.size !== others.size) return false;
  for (const [process, { symbols, token }] of some) {
    const other = others.get(process);
    if (other?.symbols !== symbols || other.token !== token) return false;
  }
  return true;
}

export function fieldsOf(text: string): Record<string, unknown> {
  try {
    const body: unknown = JSON.parse(text);
    return typeof body === "object" && body !== null ? { ...body } : {};
  } catch {
    return {};
  }
}
