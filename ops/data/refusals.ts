import type { HistoryLine } from "./history-line.ts";
import { type Hold, holdsOf } from "./holds.ts";
import { currentId, entriesOf, type LicenseItem } from "./license-item.ts";
import { deviceIdOf, isFailure, symbolsOf } from "./line-words.ts";

/** Failures with pauses shorter than this are one outage. */
const longestPauseMs = 300_000;

/** The lease, where no other is known. */
const usualLeaseMs = 60_000;

export type Outage = { from: number; until: number; failures: number; licenses: number };

export type RefusedDevice = {
  license_id: string;
  code: string;
  symbols: string[];
  device: string;
  device_hash: string | null;
  count: number;
  first_at: number;
  last_at: number;
  /** Of refusals because of another session: for how many the lines show none that was held. */
  unexplained: number;
  /** How many fell into an outage. */
  in_outage: number;
};

export type Refusals = {
  since: number;
  until: number;
  by_code: { code: string; count: number; licenses: number }[];
  /** Periods in which the service could not answer. What failed then is no refusal. */
  outages: Outage[];
  devices: RefusedDevice[];
};

/**
 * Who was refused in a period, and whether the lines explain it.
 *
 * @param lines of all licenses, oldest first, from a day before the period to a day after it
 * @param licenses as they are now
 */
export function refusalsOf(
  lines: readonly HistoryLine[],
  licenses: readonly LicenseItem[],
  { sinceMs, untilMs, nowMs }: { sinceMs: number; untilMs: number; nowMs: number },
): Refusals {
  const asked = lines.filter(
    (line): line is RefusedLine => "code" in line && line.atMs >= sinceMs && line.atMs < untilMs,
  );
  const outages = outagesOf(asked);
  const byId = new Map(licenses.map((license) => [license.license_id, license]));
  // What was held under an earlier key is kept under the next one until its lease is over.
  const holdsById = new Map<string, Hold[]>();
  for (const hold of holdsOf(lines, licenses, { sinceMs, nowMs })) {
    const id = currentId(byId, hold.license_id);
    const known = holdsById.get(id);
    if (known) known.push(hold);
    else holdsById.set(id, [hold]);
  }
  const isExplained = (line: RefusedLine) => {
    const id = currentId(byId, line.license_id);
    return isExplainedBy(line, holdsById.get(id) ?? [], longestLeaseMs(byId.get(id)));
  };
  const devices = new Map<string, RefusedDevice>();
  const codes = new Map<string, { count: number; ids: Set<string> }>();
  for (const line of asked) {
    if (isFailure(line.code)) continue;
    const { license_id, code, device, device_hash = null, atMs } = line;
    const counted = codes.get(code) ?? { count: 0, ids: new Set<string>() };
    codes.set(code, { count: counted.count + 1, ids: counted.ids.add(license_id) });
    const place = [license_id, code, deviceIdOf(line)].join(" ");
    const known = devices.get(place) ?? {
      license_id,
      code,
      symbols: [],
      device,
      device_hash,
      count: 0,
      first_at: atMs,
      last_at: atMs,
      unexplained: 0,
      in_outage: 0,
    };
    devices.set(place, {
      ...known,
      symbols: [...new Set([...known.symbols, ...symbolsOf(line)])],
      count: known.count + 1,
      last_at: atMs,
      unexplained: known.unexplained + (isExplained(line) ? 0 : 1),
      in_outage: known.in_outage + (outages.some((one) => isWithin(atMs, one)) ? 1 : 0),
    });
  }
  return {
    since: sinceMs,
    until: untilMs,
    by_code: [...codes]
      .map(([code, { count, ids }]) => ({ code, count, licenses: ids.size }))
      .sort((a, b) => b.count - a.count),
    outages,
    devices: [...devices.values()].sort(
      (a, b) => b.unexplained - a.unexplained || b.count - a.count,
    ),
  };
}

type RefusedLine = Extract<HistoryLine, { code: string }>;

/** When the service could not answer, by its own lines. */
export function outagesOf(lines: readonly HistoryLine[]): Outage[] {
  const found: (Omit<Outage, "licenses"> & { ids: Set<string> })[] = [];
  for (const line of lines) {
    if (!("code" in line) || !isFailure(line.code)) continue;
    const last = found.at(-1);
    if (last && line.atMs - last.until <= longestPauseMs) {
      last.until = line.atMs;
      last.failures += 1;
      last.ids.add(line.license_id);
    } else {
      const ids = new Set([line.license_id]);
      found.push({ from: line.atMs, until: line.atMs, failures: 1, ids });
    }
  }
  return found.map(({ ids, ...outage }) => ({ ...outage, licenses: ids.size }));
}

/** After its last heartbeat a device still holds its session for its lease. */
function longestLeaseMs(license: LicenseItem | undefined): number {
  const entries = license ? entriesOf(license) : [];
  const leases = entries.map(([, entry]) => ("lease_ms" in entry ? (entry.lease_ms ?? 0) : 0));
  const ownMs = (license?.session_timeout_seconds ?? 0) * 1_000;
  return Math.max(usualLeaseMs, ownMs, ...leases);
}

function isExplainedBy(line: RefusedLine, holds: readonly Hold[], leaseAfterMs: number): boolean {
  if (line.code !== "session_conflict" && line.code !== "session_taken") return true;
  return holds.some(
    (hold) =>
      symbolsOf(line).includes(hold.symbol) &&
      hold.from <= line.atMs &&
      line.atMs <= hold.until + leaseAfterMs,
  );
}

function isWithin(atMs: number, { from, until }: Outage): boolean {
  return from - longestPauseMs <= atMs && atMs <= until + longestPauseMs;
}
