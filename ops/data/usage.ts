import type { HistoryLine } from "./history-line.ts";
import { type Hold, holdsOf } from "./holds.ts";
import { currentId, dayMs, type LicenseItem } from "./license-item.ts";
import { deviceIdOf, isFailure } from "./line-words.ts";

/** What a license was used for in a period. */
export type LicenseUsage = {
  license_id: string;
  email: string | null;
  license_type: string | null;
  devices: number;
  /** UTC days on which it was held. */
  days: number;
  /** How long it was held, by whichever symbol and device; one decimal. */
  hours: number;
  claims: number;
  refusals: number;
  failures: number;
};

export type Usage = {
  since: number;
  until: number;
  /** Licenses that were held in the period. Those that were only refused are listed, too. */
  active_licenses: number;
  devices: number;
  hours: number;
  licenses: LicenseUsage[];
};

function noUse() {
  const holds: Hold[] = [];
  return { devices: new Set<string>(), holds, claims: 0, refusals: 0, failures: 0 };
}

/**
 * Which licenses were used in a period, and how much. The use of an earlier key counts for the
 * license as it is now.
 *
 * @param lines of all licenses, oldest first, from a day before the period to a day after it
 * @param licenses as they are now
 */
export function usageOf(
  lines: readonly HistoryLine[],
  licenses: readonly LicenseItem[],
  { sinceMs, untilMs, nowMs }: { sinceMs: number; untilMs: number; nowMs: number },
): Usage {
  const byId = new Map(licenses.map((license) => [license.license_id, license]));
  const counts = new Map<string, ReturnType<typeof noUse>>();
  const countFor = (licenseId: string) => {
    const id = currentId(byId, licenseId);
    const counted = counts.get(id) ?? noUse();
    counts.set(id, counted);
    return counted;
  };
  for (const hold of holdsOf(lines, licenses, { sinceMs, nowMs })) {
    if (hold.from >= untilMs) continue;
    const counted = countFor(hold.license_id);
    counted.holds.push({ ...hold, until: Math.min(hold.until, untilMs) });
    counted.devices.add(deviceIdOf(hold));
  }
  for (const line of lines) {
    if (line.atMs < sinceMs || line.atMs >= untilMs) continue;
    if ("code" in line) {
      const counted = countFor(line.license_id);
      if (isFailure(line.code)) counted.failures += 1;
      else counted.refusals += 1;
    } else if (line.event === "session_claimed") {
      countFor(line.license_id).claims += 1;
    }
  }
  const used = [...counts].map(([license_id, { devices, holds, ...numbers }]) => {
    const spans = merged(holds);
    return {
      license_id,
      email: byId.get(license_id)?.email ?? null,
      license_type: byId.get(license_id)?.license_type ?? null,
      devices: devices.size,
      days: daysOf(spans),
      hours: inHours(spans.reduce((sum, { from, until }) => sum + until - from, 0)),
      ...numbers,
    };
  });
  used.sort((a, b) => b.hours - a.hours || b.refusals - a.refusals);
  const sumOf = (name: "devices" | "hours") => used.reduce((sum, one) => sum + one[name], 0);
  return {
    since: sinceMs,
    until: untilMs,
    active_licenses: used.filter(({ devices }) => devices > 0).length,
    devices: sumOf("devices"),
    hours: inHours(sumOf("hours") * 3_600_000),
    licenses: used,
  };
}

type Span = { from: number; until: number };

/** The holds without overlaps, oldest first. */
function merged(holds: readonly Hold[]): Span[] {
  const spans: Span[] = [];
  for (const { from, until } of [...holds].sort((a, b) => a.from - b.from)) {
    const last = spans.at(-1);
    if (last && from <= last.until) last.until = Math.max(last.until, until);
    else spans.push({ from, until });
  }
  return spans;
}

function daysOf(spans: readonly Span[]): number {
  const days = new Set<number>();
  for (const { from, until } of spans) {
    for (let day = Math.floor(from / dayMs); day * dayMs < until; day++) days.add(day);
  }
  return days.size;
}

function inHours(milliseconds: number): number {
  return Math.round(milliseconds / 360_000) / 10;
}
