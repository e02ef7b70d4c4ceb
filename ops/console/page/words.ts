/** The zone that all times of the page are in. */
export const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;

const instant = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  year: "numeric",
  month: "short",
  day: "numeric",
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  hourCycle: "h23",
  timeZoneName: "short",
});

const day = new Intl.DateTimeFormat(undefined, {
  weekday: "short",
  year: "numeric",
  month: "short",
  day: "numeric",
});

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

/** A device by its masked name and its hash, as lists have it. */
export function deviceText(one: {
  device: string;
  device_hash?: string | null | undefined;
}): string {
  return one.device_hash ? `${one.device} ${one.device_hash}` : one.device;
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

/** Each month in which a device held it, in local time. */
export function monthsOf({ from, until }: { from: number; until: number }): string[] {
  const month = new Intl.DateTimeFormat(undefined, { year: "numeric", month: "long" });
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
