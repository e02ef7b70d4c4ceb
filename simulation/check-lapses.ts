import type { StoodBefore } from "../contract/log-lines.ts";
import type { LapseDetail } from "../lambdas/lapses/lapse-event.ts";
import { deviceHash, maskFingerprint } from "../lambdas/rules/shown-device.ts";
import type { LicenseHistory } from "./license-history.ts";
import type { Write } from "./memory-table.ts";
import type { Handled } from "./simulated-service.ts";
import { type StoredEntry, type StoredLicense, storedLicense } from "./stored-license.ts";
import { type Fail, trueMs, type WorldContext } from "./world-context.ts";

/** A session that comes back within this time has not died. */
const stayedLapsedMs = 30_000;

/** A named session that stands in the table, with the end of its lease. */
type Standing = { lapsesAtMs: number; symbols: readonly string[] };

/** An attempt of the function that reports lapses, for one scheduled minute. */
type LapseRun = {
  scheduledMs: number;
  begunMs: number;
  /** By license, session and the end of its lease, what stood when the attempt began. */
  standing: ReadonlyMap<string, Standing>;
  reported: Set<string>;
};

const unreported = "each death has its event or its claim's line";
const invented = "no event without a death";
const repeated = "a death has one event";

/**
 * Compares the events of lapsed sessions, and the lines of the claims that took or displaced some,
 * with what the table held.
 */
export function createLapseChecks(context: WorldContext, history: LicenseHistory, fail: Fail) {
  const events = new Map<string, { id: string; scheduledMs: number; symbols: Set<string> }>();
  const lapseOfId = new Map<string, string>();
  /** By request, the sessions that its write took or displaced, by symbol, and when. */
  const taken = new Map<string, { atMs: number; gone: [string, StoredEntry][] }>();
  /** By request, the line of its claim. */
  const lines = new Map<string, readonly StoodBefore[]>();
  let takenDeaths = 0;
  let reportedDeaths = 0;

  return {
    counts: () =>
      Object.entries({
        "deaths with an event": events.size,
        "deaths in the line of a claim": reportedDeaths,
        "deaths by a claim that was killed, late or not answered by the table":
          takenDeaths - reportedDeaths,
      }),

    begin(scheduledMs: number): LapseRun {
      const begunMs = context.scheduler.nowMs();
      return { scheduledMs, begunMs, standing: standingNow(), reported: new Set() };
    },

    /** The bus has accepted an event. */
    put(run: LapseRun, detail: LapseDetail): void {
      const { id, license_id, session_id, sentence } = detail;
      const lapsesAtMs = Date.parse(detail.lapsed_at);
      const key = `${license_id} ${session_id} ${lapsesAtMs}`;
      const { scheduledMs } = run;
      const known = events.get(key) ?? { id, scheduledMs, symbols: new Set<string>() };
      const isOfId = (lapseOfId.get(id) ?? key) === key;
      const isOfRun = known.scheduledMs === scheduledMs && !run.reported.has(key);
      if (known.id !== id || !isOfId || !isOfRun) fail(repeated, `${id}: ${sentence}`);
      run.reported.add(key);
      events.set(key, known);
      lapseOfId.set(id, key);
      for (const symbol of detail.symbols) known.symbols.add(symbol);

      const hasDied = trueMs(context) >= lapsesAtMs + stayedLapsedMs;
      const isTrue = history.since(license_id, run.begunMs).some((license) => {
        const died = lapsed(license).filter(([, { sessionId }]) => sessionId === session_id);
        return (
          detail.symbols.length > 0 &&
          detail.symbols.every((each) => died.some(([symbol]) => symbol === each)) &&
          died.every(
            ([, entry]) =>
              entry.lapsesAtMs === lapsesAtMs &&
              entry.lastHeartbeatMs === Date.parse(detail.last_heartbeat) &&
              detail.device === maskFingerprint(entry.device ?? "") &&
              detail.device_hash === deviceHash(license_id, entry.device ?? ""),
          )
        );
      });
      if (!hasDied || !isTrue) fail(invented, sentence);
    },

    /** The attempt has succeeded: what lapsed in its minute, and stood all the while, has an event. */
    done({ scheduledMs, standing }: LapseRun): void {
      const now = standingNow();
      const toMs = context.epochMs + scheduledMs - stayedLapsedMs;
      for (const [key, { lapsesAtMs, symbols }] of standing) {
        if (lapsesAtMs >= toMs || lapsesAtMs < toMs - 60_000) continue;
        const missing = symbols.filter(
          (symbol) =>
            now.get(key)?.symbols.includes(symbol) && !events.get(key)?.symbols.has(symbol),
        );
        if (missing.length > 0) fail(unreported, `${missing.join(", ")} of ${key}`);
      }
    },

    wrote({ before, after, by }: Write): void {
      if (!before || !after || by === undefined) return;
      const was = storedLicense(before).entries;
      const is = storedLicense(after).entries;
      const known = new Set([...was.values()].map(({ sessionId }) => sessionId));
      const grant = [...is.values()].find(
        ({ isSession, sessionId }) => isSession && !known.has(sessionId),
      );
      if (!grant) return;
      const gone = [...was].filter(([symbol, { isSession, sessionId }]) => {
        const entry = is.get(symbol);
        return isSession && !(entry?.isSession && entry.sessionId === sessionId);
      });
      const atMs = grant.startedAtMs ?? 0;
      taken.set(by, { atMs, gone });
      takenDeaths += gone.filter(([, entry]) => isDeath(entry, atMs)).length;
    },

    logged(line: object): void {
      const { event, request_id, replaced, displaced } = line as Record<string, unknown>;
      if (event !== "session_claimed") return;
      lines.set(String(request_id), [...stoodIn(replaced), ...stoodIn(displaced)]);
    },

    /** A function that is killed, or has no answer of the table to its write, can report nothing. */
    handled({ name, licenseId, isUnheard, reply }: Handled): void {
      const { atMs, gone } = taken.get(name) ?? { atMs: 0, gone: [] };
      const line = lines.get(name) ?? [];
      taken.delete(name);
      lines.delete(name);
      const isOf = (stood: StoodBefore, symbol: string, entry: StoredEntry) =>
        stood.symbol === symbol &&
        stood.session_id === entry.sessionId &&
        (stood.state === "live") === entry.lapsesAtMs > atMs;
      const saysAll = (stood: StoodBefore, entry: StoredEntry) =>
        stood.last_heartbeat === entry.lastHeartbeatMs &&
        stood.device === maskFingerprint(entry.device ?? "") &&
        stood.device_hash === deviceHash(licenseId, entry.device ?? "");
      for (const stood of line) {
        if (stood.state !== "lapsed" && stood.state !== "contested") continue;
        if (!gone.some(([symbol, entry]) => isOf(stood, symbol, entry)))
          fail(invented, `${name}: ${stood.symbol}`);
      }
      if (reply.status !== 200 || isUnheard) return;
      for (const [symbol, entry] of gone) {
        if (!isDeath(entry, atMs)) continue;
        reportedDeaths++;
        if (!line.some((stood) => isOf(stood, symbol, entry) && saysAll(stood, entry)))
          fail(unreported, `${symbol} of ${entry.device}, taken by ${name}`);
      }
    },
  };

  function standingNow(): Map<string, Standing> {
    const all = new Map<string, Standing>();
    for (const [licenseId, license] of history.latest()) {
      for (const [symbol, { sessionId, lapsesAtMs }] of lapsed(license)) {
        const key = `${licenseId} ${sessionId} ${lapsesAtMs}`;
        all.set(key, { lapsesAtMs, symbols: [...(all.get(key)?.symbols ?? []), symbol] });
      }
    }
    return all;
  }

  /** The named sessions that have lapsed, by symbol, unless the license has got a new key. */
  function lapsed(license: StoredLicense | undefined): [string, StoredEntry][] {
    if (!license || license.hasNewKey) return [];
    return [...license.entries].filter(
      ([, { isSession, isNamed, lapsesAtMs }]) =>
        isSession && isNamed && lapsesAtMs <= trueMs(context),
    );
  }
}

export type LapseChecks = ReturnType<typeof createLapseChecks>;

function isDeath({ isNamed, lapsesAtMs }: StoredEntry, takenMs: number): boolean {
  return isNamed && lapsesAtMs <= takenMs;
}

function stoodIn(stood: unknown): readonly StoodBefore[] {
  return Array.isArray(stood) ? stood : [];
}
