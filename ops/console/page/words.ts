/** The zone that all times of the page are in. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const date = { weekday: "short", year: "numeric", month: "short", day: "numeric" } as const;
const time = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;
const instant = new Intl.DateTimeFormat(undefined, { ...date, ...time, timeZoneName: "short" });
const day = new Intl.DateTimeFormat(undefined, date);

/** An instant in local time, with the zone named. */
export function instantText(atMs: number | null): string {
  return atMs === null ? "-" : instant.format(atMs);
}

export function dayText(atMs: number | null): string {
  return atMs === null ? "never" : day.format(atMs);
}

/** A length of time in its two largest units: `2 d 3 h`, `5 min 4 s`. */
export function lengthText(milliseconds: number): string {
  const seconds = Math.max(0, Math.floor(milliseconds / 1000));
  const units: [string, number][] = [
    ["d", Math.floor(seconds / 86_400)],
    ["h", Math.floor(seconds / 3_600) % 24],
    ["min", Math.floor(seconds / 60) % 60],
    ["s", seconds % 60],
  ];
  const first = units.findIndex(([, count]) => count > 0);
  if (first < 0) return "0 s";
  return units
    .slice(first, first + 2)
    .filter(([, count]) => count > 0)
    .map(([unit, count]) => `${count} ${unit}`)
    .join(" ");
}

/** `1 line`, `2 lines`. */
export function countText(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A text of the server with its instants, which are UTC, in local time. */
export function inLocalTime(text: string): string {
  return text.replaceAll(/\d{4}-\d\d-\d\d \d\d:\d\d:\d\dZ/g, (utc) => instantText(Date.parse(utc)));
}

const codes: Record<string, string> = {
  session_conflict: "in use on another device",
  session_limit: "all seats are taken",
  session_taken: "another device has taken it over",
  session_replaced: "replaced by a new start on the same device",
  session_ended: "ended by an operator",
  session_not_found: "its session is over",
  session_left: "the session in the way only waits to lapse",
  heartbeat_late: "its heartbeat came too late",
  claim_late: "its claim came too late",
  license_unknown: "no license has this key",
  license_suspended: "the license is suspended",
  license_cancelled: "the license is cancelled",
  license_expired: "the license has ended",
  bad_request: "the request can't be read",
  internal_error: "the service could not answer",
};

/** What a code says, for people who don't know it. */
export function codeText(code: string): string {
  return codes[code] ?? "refused";
}

/** A few symbols by their names, more by their number. */
export function symbolsText(symbols: readonly string[]): string {
  if (symbols.length <= 3) return symbols.join(" ");
  return `${symbols[0]} and ${symbols.length - 1} more`;
}

/** The first instant of a local day, so many days from it. */
export function startOfDay(atMs: number, daysLater = 0): number {
  const date = new Date(atMs);
  return new Date(date.getFullYear(), date.getMonth(), date.getDate() + daysLater).getTime();
}

/** A local day as a date field has it. */
export function fieldDay(atMs: number): string {
  const date = new Date(atMs);
  const two = (value: number) => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
}

export function dayOfField(text: string): number | undefined {
  const [year = 0, month = 0, date = 0] = text.split("-").map(Number);
  const atMs = new Date(year, month - 1, date).getTime();
  return Number.isNaN(atMs) || !text ? undefined : atMs;
}

const month = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "long" });

/** Each month in which a device held it, in local time. */
export function monthsOf({ from, until }: { from: number; until: number }): string[] {
  const names = [];
  const first = new Date(from);
  for (
    let begin = new Date(first.getFullYear(), first.getMonth(), 1);
    begin.getTime() <= until;
    begin = new Date(begin.getFullYear(), begin.getMonth() + 1, 1)
  )
    names.push(month.format(begin));
  return names;
}
