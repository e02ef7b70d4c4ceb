import { deviceHash, maskFingerprint } from "../../lambdas/rules/shown-device.ts";
import type { ClaimedLine, HistoryLine, Taken } from "./history-line.ts";
import { entriesOf, entryState, type LicenseItem } from "./license-item.ts";
import { replacedOf, symbolsOf } from "./line-words.ts";

/**
 * How a hold ended. `lapsed`: no heartbeat came after `until`, as after a crash. `unknown`: no line
 * says how, so `until` is the last instant at which the device is known to have held it.
 */
type HoldEnd = "held" | "released" | "replaced" | "ended" | "lapsed" | "unknown";

/** That a device held a symbol. Instants are epoch milliseconds. */
export type Hold = {
  license_id: string;
  symbol: string;
  device: string;
  device_hash: string | null;
  session_id: string;
  bot_version: string | null;
  from: number;
  /** Whether it began at `from`; otherwise it began earlier. */
  from_known: boolean;
  until: number;
  end: HoldEnd;
};

type OpenHold = Omit<Hold, "until" | "end"> & { lastSeen: number };

/**
 * Who held which symbol when, by the lines and by what the license holds at `nowMs`. Lines of before
 * `sinceMs` only tell who held it then.
 *
 * @param lines oldest first
 * @param licenses as they are now
 */
export function holdsOf(
  lines: readonly HistoryLine[],
  licenses: readonly LicenseItem[],
  { sinceMs, nowMs }: { sinceMs: number; nowMs: number },
): Hold[] {
  const done: Hold[] = [];
  const open = new Map<string, OpenHold>();
  const over = new Set<string>();
  const close = (hold: OpenHold, until: number, end: HoldEnd) => {
    const { lastSeen, ...kept } = hold;
    open.delete(placeOf(hold.license_id, hold.symbol));
    over.add(`${placeOf(hold.license_id, hold.symbol)} ${hold.session_id}`);
    if (until < sinceMs) return;
    const cut = hold.from < sinceMs && { from: sinceMs, from_known: false };
    done.push({ ...kept, ...cut, until: Math.max(until, hold.from), end });
  };
  for (const line of lines) {
    if ("code" in line) continue;
    const { license_id, atMs } = line;
    const heldAt = (symbol: string) => open.get(placeOf(license_id, symbol));
    switch (line.event) {
      case "session_claimed":
        for (const symbol of symbolsOf(line)) {
          const before = heldAt(symbol);
          const replaced = replacedOf(line, symbol);
          if (typeof replaced !== "string") endTaken(before, line, symbol, replaced);
          // Older lines name only an earlier session of the same device.
          else if (before) close(before, atMs, "replaced");
          open.set(placeOf(license_id, symbol), begun(line, symbol, atMs, true));
        }
        for (const taken of line.displaced) {
          endTaken(heldAt(taken.symbol), line, taken.symbol, taken);
        }
        break;
      case "session_active":
        for (const symbol of symbolsOf(line)) {
          const hold = sameOrNew(heldAt(symbol), begun(line, symbol, atMs, false));
          const bot_version = line.bot_version ?? hold.bot_version;
          open.set(placeOf(license_id, symbol), { ...hold, bot_version, lastSeen: atMs });
        }
        break;
      case "session_released":
        for (const symbol of symbolsOf(line)) {
          const before = heldAt(symbol);
          const isSame = line.session_id === undefined || line.session_id === before?.session_id;
          if (before && isSame) close(before, atMs, "released");
        }
        break;
      case "license_changed":
        for (const symbol of line.sessions_ended ?? []) {
          const before = heldAt(symbol);
          if (before) close(before, atMs, "ended");
        }
    }
  }
  for (const license of licenses) addPresent(license);
  for (const hold of [...open.values()]) close(hold, hold.lastSeen, "unknown");
  return done.sort((a, b) => a.from - b.from || a.symbol.localeCompare(b.symbol));

  /** What was known, if it is the same session; else that has ended at some time. */
  function sameOrNew(known: OpenHold | undefined, found: OpenHold): OpenHold {
    if (known?.session_id === found.session_id) return known;
    if (known) close(known, known.lastSeen, "unknown");
    return found;
  }

  /** A claim ends what it finds: at the claim if that was live, earlier if it had lapsed. */
  function endTaken(
    known: OpenHold | undefined,
    line: ClaimedLine,
    symbol: string,
    taken: Taken | undefined,
  ) {
    const lastBeat = taken?.last_heartbeat;
    // What only this line names began before the lines do.
    const isInWindow = lastBeat !== undefined && lastBeat >= sinceMs;
    const inferred = taken && isInWindow && begun({ ...line, ...taken }, symbol, sinceMs, false);
    const hold = known ?? inferred;
    if (!hold) return;
    switch (taken?.state) {
      case undefined:
        close(hold, hold.lastSeen, "unknown");
        break;
      case "live":
        close(hold, line.atMs, "replaced");
        break;
      case "lapsed":
      case "contested":
        close(hold, lastBeat ?? hold.lastSeen, "lapsed");
        break;
      case "released":
      case "ended":
        // Its own line is missing: this is the last sign of it.
        close(hold, hold.lastSeen, taken.state);
    }
  }

  function addPresent(license: LicenseItem) {
    for (const [symbol, entry] of entriesOf(license)) {
      if (entry.kind !== "session") continue;
      const place = placeOf(license.license_id, symbol);
      // The item of an earlier key keeps the sessions that ended with it.
      if (over.has(`${place} ${entry.session_id}`)) continue;
      const { device_fingerprint, session_id, started_at } = entry;
      const device = maskFingerprint(device_fingerprint);
      const device_hash = deviceHash(license.license_id, device_fingerprint);
      const stored = { license_id: license.license_id, device, device_hash, session_id };
      const hold = sameOrNew(open.get(place), begun(stored, symbol, started_at, true));
      const present = { ...hold, bot_version: entry.bot_version ?? hold.bot_version };
      if (entryState(entry, nowMs) === "live" && license.superseded_by === undefined) {
        close(present, nowMs, "held");
      } else close(present, entry.last_heartbeat, "lapsed");
    }
  }
}

function placeOf(licenseId: string, symbol: string): string {
  return `${licenseId} ${symbol}`;
}

function begun(
  line: Omit<Taken, "symbol"> & { license_id: string; bot_version?: string | undefined },
  symbol: string,
  fromMs: number,
  isKnown: boolean,
): OpenHold {
  return {
    license_id: line.license_id,
    symbol,
    device: line.device,
    device_hash: line.device_hash ?? null,
    session_id: line.session_id ?? "",
    bot_version: line.bot_version ?? null,
    from: fromMs,
    from_known: isKnown,
    lastSeen: fromMs,
  };
}
