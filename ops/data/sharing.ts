import type { HistoryLine } from "./history-line.ts";
import type { Hold } from "./holds.ts";
import { deviceIdOf, isFailure, symbolsOf } from "./line-words.ts";

export type DeviceSummary = {
  device: string;
  /** `null` for lines of before there was one: several devices may then be behind one name. */
  device_hash: string | null;
  /** Whether it held something, in contrast to one that was only refused. */
  held: boolean;
  claims: number;
  releases: number;
  /** How many refusals there were of each code. */
  refusals: Record<string, number>;
  /** Requests that the service could not answer. */
  failures: number;
  /** How often the device claimed what another device had held last. */
  takeovers: number;
  /** How often it was refused while another device held the symbol, whom it had not asked to release it. */
  overlaps: number;
  /** Until when it held something, or was refused. */
  last_at: number;
};

export type Sharing = {
  devices: DeviceSummary[];
  /** What the lines show, in words. */
  conclusion: string;
  /** What they can't show, in words. */
  caveats: string[];
};

/** Which devices used a license, and whether that looks as if the key were shared. */
export function sharingOf(lines: readonly HistoryLine[], holds: readonly Hold[]): Sharing {
  const devices = new Map<string, DeviceSummary>();
  /** The sessions that a device has asked for, and whose end it waits for. */
  const asked = new Set<string>();
  type OfDevice = { device: string; device_hash?: string | null | undefined };
  const countFor = ({ device, device_hash = null }: OfDevice, atMs: number) => {
    const id = deviceIdOf({ device, device_hash });
    const known = devices.get(id) ?? {
      device,
      device_hash,
      held: false,
      claims: 0,
      releases: 0,
      refusals: {},
      failures: 0,
      takeovers: 0,
      overlaps: 0,
      last_at: atMs,
    };
    known.last_at = Math.max(known.last_at, atMs);
    devices.set(id, known);
    return known;
  };
  const lastHolderOf = new Map<string, string>();
  for (const hold of holds) countFor(hold, hold.until).held = true;
  for (const line of lines) {
    if (!("device" in line)) continue;
    const count = countFor(line, line.atMs);
    const id = deviceIdOf(line);
    if ("code" in line) {
      if (isFailure(line.code)) count.failures += 1;
      else count.refusals[line.code] = (count.refusals[line.code] ?? 0) + 1;
      const isUnasked = (hold: Hold) => !asked.has(`${id} ${hold.session_id}`);
      if (holdersRefusing(line, holds).some(isUnasked)) count.overlaps += 1;
      continue;
    }
    if (line.event === "holder_asked") {
      for (const { session_id } of line.holders) asked.add(`${id} ${session_id}`);
      continue;
    }
    count.held = true;
    if (line.event === "session_released") count.releases += 1;
    else if (line.event === "session_claimed" || line.event === "session_active") {
      const holders = symbolsOf(line).map(
        (symbol) => lastHolderOf.get(symbol) ?? firstHolder(holds, symbol, line.atMs),
      );
      if (line.event === "session_claimed") {
        count.claims += 1;
        if (holders.some((before) => before !== undefined && before !== id)) count.takeovers += 1;
      }
      for (const symbol of symbolsOf(line)) lastHolderOf.set(symbol, id);
    }
  }
  const list = [...devices.values()].sort((a, b) => b.claims - a.claims || b.last_at - a.last_at);
  return {
    devices: list,
    conclusion: conclusionOf(list, asked.size > 0),
    caveats: caveatsOf(list),
  };
}

/** What other devices held of the symbols when this one was refused. */
function holdersRefusing(
  line: Extract<HistoryLine, { code: string }>,
  holds: readonly Hold[],
): Hold[] {
  if (line.code !== "session_conflict" && line.code !== "session_taken") return [];
  return holds.filter(
    (hold) =>
      symbolsOf(line).includes(hold.symbol) &&
      hold.from <= line.atMs &&
      line.atMs <= hold.until &&
      deviceIdOf(hold) !== deviceIdOf(line),
  );
}

function firstHolder(holds: readonly Hold[], symbol: string, atMs: number): string | undefined {
  const before = holds.findLast((hold) => hold.symbol === symbol && hold.from < atMs);
  return before && deviceIdOf(before);
}

function conclusionOf(devices: readonly DeviceSummary[], didAsk: boolean): string {
  const overlaps = devices.reduce((sum, one) => sum + one.overlaps, 0);
  const takeovers = devices.reduce((sum, one) => sum + one.takeovers, 0);
  const holders = devices.filter(({ held }) => held).length;
  if (devices.length === 0) return "No device used it or was refused.";
  const held = `${holdersText(holders, takeovers)}${othersText(devices)}.`;
  if (devices.length === 1 || holders === 0) return held;
  if (overlaps > 0)
    return `${held} One was refused while another held it ${times(overlaps)}: a shared key looks like this, and so does one owner with two machines.`;
  const refused = didAsk
    ? "Whoever was refused while another held it had asked that one to release it"
    : "None was refused while another held it";
  return holders === 1
    ? `${held} ${refused}.`
    : `${held} ${refused}: a move to another machine looks like this.`;
}

function holdersText(holders: number, takeovers: number): string {
  if (holders === 0) return "No device held it";
  if (holders === 1) return "One device held it";
  return `${holders} devices held it, and took it over from each other ${times(takeovers)}`;
}

/** Those that held nothing. */
function othersText(devices: readonly DeviceSummary[]): string {
  const others = devices.filter(({ held }) => !held);
  if (others.length === 0) return "";
  const wereRefused = others.every(({ refusals }) => Object.keys(refusals).length > 0);
  const number = others.length === 1 ? "one was" : `${others.length} were`;
  return `; ${number} only ${wereRefused ? "refused" : "refused or not answered"}`;
}

function caveatsOf(devices: readonly DeviceSummary[]): string[] {
  const unhashed = devices.some(({ device_hash }) => device_hash === null);
  const hashed = devices.some(({ device_hash }) => device_hash !== null);
  return [
    "A device is what the bot calls it: copies of one installation are one device here, and a new installation is another.",
    ...(unhashed
      ? [
          `Lines of an earlier version have no device hash: devices whose names begin alike count as one there${hashed ? ", and such a device is listed a second time" : ""}.`,
        ]
      : []),
  ];
}

function times(count: number): string {
  return count === 1 ? "once" : `${count} times`;
}
