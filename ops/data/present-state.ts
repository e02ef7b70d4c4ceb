import type { HistoryLine } from "./history-line.ts";
import {
  dayMs,
  daysLeft,
  entriesOf,
  type LicenseItem,
  lastHeartbeatMs,
  type Standing,
  standingOf,
} from "./license-item.ts";
import { isFailure } from "./line-words.ts";
import { type Outage, outagesOf } from "./refusals.ts";

/** An outage is going on if the last failure is younger than this. */
const freshMs = 300_000;
const soonDays = 7;

/**
 * `answering`: bots are live, and nothing failed in the last minutes. `failing`: requests fail.
 * `quiet`: no bot is live, so that nothing is known; `since` is then the last heartbeat.
 */
type ServiceState = { state: "answering" | "failing" | "quiet"; since: number | null };

export type PresentState = {
  at: number;
  service: ServiceState;
  online: { sessions: number; devices: number; licenses: number };
  by_version: { version: string | null; sessions: number }[];
  /** Of the last 24 hours, without requests that failed: those are in `outages`. */
  refusals: { code: string; count: number }[];
  outages: Outage[];
  standings: Record<Standing, number>;
  /** Active licenses that end within 7 days, the next first. */
  ending_soon: {
    license_id: string;
    email: string | null;
    license_expiration: number;
    days_left: number | null;
  }[];
};

/**
 * The service as a whole.
 *
 * @param lines of all licenses, of the last 24 hours, oldest first; none where there is no history
 */
export function presentState(
  licenses: readonly LicenseItem[],
  lines: readonly HistoryLine[],
  nowMs: number,
): PresentState {
  const live = licenses.flatMap((license) => liveSessions(license, nowMs));
  const codes = countBy(
    lines.flatMap((line) => ("code" in line && !isFailure(line.code) ? [line.code] : [])),
  );
  const outages = outagesOf(lines);
  const standings = { active: 0, suspended: 0, cancelled: 0, expired: 0, rekeyed: 0 };
  for (const license of licenses) standings[standingOf(license, nowMs)] += 1;
  return {
    at: nowMs,
    service: serviceState(licenses, live.length, outages.at(-1), nowMs),
    online: {
      sessions: live.length,
      devices: new Set(live.map((one) => `${one.license_id} ${one.device_fingerprint}`)).size,
      licenses: new Set(live.map(({ license_id }) => license_id)).size,
    },
    by_version: countBy(live.map(({ bot_version }) => bot_version ?? null)).map(
      ([version, sessions]) => ({ version, sessions }),
    ),
    refusals: codes.map(([code, count]) => ({ code, count })),
    outages,
    standings,
    ending_soon: licenses
      .flatMap((license) => {
        const { license_id, license_expiration, email = null } = license;
        const isSoon =
          license_expiration !== undefined &&
          license_expiration <= nowMs + soonDays * dayMs &&
          standingOf(license, nowMs) === "active";
        return isSoon
          ? [{ license_id, email, license_expiration, days_left: daysLeft(license, nowMs) }]
          : [];
      })
      .sort((a, b) => a.license_expiration - b.license_expiration),
  };
}

/** Once each, however many symbols one holds. */
function liveSessions(license: LicenseItem, nowMs: number) {
  if (license.superseded_by !== undefined) return [];
  const { license_id } = license;
  const live = entriesOf(license).flatMap(([, entry]) =>
    entry.kind === "session" && nowMs < entry.lapses_at ? [{ ...entry, license_id }] : [],
  );
  return [...new Map(live.map((session) => [session.session_id, session])).values()];
}

function serviceState(
  licenses: readonly LicenseItem[],
  liveCount: number,
  lastOutage: Outage | undefined,
  nowMs: number,
): ServiceState {
  if (lastOutage && lastOutage.until >= nowMs - freshMs) {
    return { state: "failing", since: lastOutage.from };
  }
  if (liveCount > 0) return { state: "answering", since: lastOutage?.until ?? null };
  let lastBeatMs = 0;
  for (const license of licenses) {
    lastBeatMs = Math.max(lastBeatMs, lastHeartbeatMs(license) ?? 0);
  }
  return { state: "quiet", since: lastBeatMs || null };
}

function countBy<Value>(values: readonly Value[]): [Value, number][] {
  const counts = new Map<Value, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return [...counts].sort(([, a], [, b]) => b - a);
}
