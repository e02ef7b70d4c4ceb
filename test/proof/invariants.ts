import type { License } from "../../lambdas/rules/license.ts";
import { deviceOf, isSession } from "../../lambdas/rules/session.ts";
import type { CallRecord } from "./recorder.ts";

/**
 * Properties that every history must have. Each one returns a description of its breaches. They
 * hold for any order of the calls, and so complement the search for an order.
 */
export const invariants = {
  /** Devices that are let in at the same instant all hold different symbols. */
  oneWinnerForASymbol(history) {
    if (!isOfOneInstant(history)) return [];
    const winners = Map.groupBy(granted(history), ({ call }) =>
      "symbol" in call ? call.symbol : undefined,
    );
    return [...winners.entries()]
      .filter(([symbol, records]) => devicesOf(records).size > 1 && !wasGivenUp(history, symbol))
      .map(([symbol, records]) => `${records.length} were let in for ${symbol ?? "*"}`);
  },

  /**
   * Holders keep seats that are taken away, but there are never more sessions than seats before.
   */
  noMoreSessionsThanSeats(_history, item, before) {
    const entries = Object.keys(item?.sessions ?? {}).length;
    const seats = Math.max(item?.max_sessions ?? 0, before?.max_sessions ?? 0);
    return item && entries > seats ? [`${entries} sessions for ${seats}`] : [];
  },

  /** A claim that started after another had ended has the greater token, and no two are equal. */
  tokensRise(history) {
    const claims = granted(history);
    return claims.flatMap((one) =>
      claims
        .filter((other) => idOf(other) !== idOf(one) && tokenOf(other) <= tokenOf(one))
        .filter((other) => tokenOf(other) === tokenOf(one) || other.startedAt > endOf(one))
        .map((other) => `token ${tokenOf(other)} came after ${tokenOf(one)}`),
    );
  },

  /** A refusal names a device that claimed or held a session. */
  losersAreToldTheTruth(history, item, before) {
    const devices = new Set([
      ...history.flatMap(({ call }) => ("device" in call ? [call.device] : [])),
      ...[before, item].flatMap((license) =>
        Object.values(license?.sessions ?? {}).map((entry) => deviceOf(entry) ?? ""),
      ),
    ]);
    return history.flatMap(({ call, ended }) => {
      const { active_device: shown, code } = ended?.answer.body ?? {};
      if (typeof shown !== "string") return [];
      // A seat may be taken by the caller's own session for another symbol, and the session by a
      // later opening of the same process.
      const mayBeItself =
        code === "session_limit" || ("claimId" in call && call.claimId?.endsWith(".a-process.1"));
      const itself = !mayBeItself && "device" in call ? call.device : undefined;
      const start = shown.replace(/\.\.\.$/, "");
      return start !== "" &&
        [...devices].some((device) => device !== itself && device.startsWith(start))
        ? []
        : [`nobody is ${shown}`];
    });
  },

  /** Every success has left its trace in the item, unless an allowed later call has removed it. */
  noFalseSuccess(history, item) {
    if (!isOfOneInstant(history)) return [];
    return granted(history).flatMap(({ call, ended }) => {
      const id = ended?.answer.body.session_id;
      const stands = Object.values(item?.sessions ?? {}).some(
        (entry) => isSession(entry) && entry.session_id === id,
      );
      const symbol = "symbol" in call ? call.symbol : undefined;
      return stands ||
        wasGivenUp(history, symbol) ||
        wasDisplaced(history, symbol) ||
        wasReplaced(history, call)
        ? []
        : [`nothing is left of ${id}`];
    });
  },
} satisfies Record<string, Invariant>;

type Invariant = (
  history: readonly CallRecord[],
  item: License | undefined,
  before: License | undefined,
) => string[];

/** All breaches of all invariants. */
export function breaches(...[history, item, before]: Parameters<Invariant>): string[] {
  return Object.entries<Invariant>(invariants).flatMap(([name, find]) =>
    find(history, item, before).map((breach) => `${name}: ${breach}`),
  );
}

function granted(history: readonly CallRecord[]): CallRecord[] {
  return history.filter(({ ended }) => ended?.answer.body.code === "granted");
}

/**
 * If no time passes and no device replaces its own session, every device that was let in stays in.
 */
function isOfOneInstant(history: readonly CallRecord[]): boolean {
  const claims = granted(history).map(({ call }) => JSON.stringify(call));
  return (
    new Set(history.map(({ call }) => call.nowMs)).size <= 1 &&
    new Set(claims).size === claims.length
  );
}

/** A symbol that was released or ended may rightly have several holders in turn. */
function wasGivenUp(history: readonly CallRecord[], symbol: string | undefined): boolean {
  return history.some(
    ({ call, ended }) =>
      ended?.answer.status === 200 &&
      ((call.verb === "release" && call.symbol === symbol) ||
        (call.verb === "end-session" && call.sessionSymbol === (symbol ?? "*"))),
  );
}

function wasDisplaced(history: readonly CallRecord[], symbol: string | undefined): boolean {
  return granted(history).some(({ call }) => "symbol" in call && call.symbol !== symbol);
}

function devicesOf(records: readonly CallRecord[]): Set<string> {
  return new Set(records.flatMap(({ call }) => ("device" in call ? [call.device] : [])));
}

/** A device may claim again what it holds. */
function wasReplaced(history: readonly CallRecord[], claim: CallRecord["call"]): boolean {
  return granted(history).some(
    ({ call }) =>
      call !== claim &&
      "device" in call &&
      "device" in claim &&
      call.device === claim.device &&
      call.symbol === claim.symbol,
  );
}

function idOf({ ended }: CallRecord): unknown {
  return ended?.answer.body.session_id;
}

function tokenOf({ ended }: CallRecord): number {
  return Number(ended?.answer.body.fencing_token);
}

function endOf({ ended }: CallRecord): number {
  return ended?.at ?? Infinity;
}
