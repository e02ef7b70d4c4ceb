const form =
  /^(\d{4})-(\d{2})-(\d{2})(?:[ T](\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?\s*(Z|[+-]\d{2}(?::?\d{2})?)?)?$/i;

/** Whether the text is a date without a time, which means its first instant. */
export function isDateAlone(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text.trim());
}

/**
 * Parses a date or a time as people and PostgreSQL write it: `2027-01-31`, `2027-01-31 18:00:00.5`,
 * `2027-01-31T18:00:00Z`, `2027-01-31 18:00:00+05:30`. Without a zone it is UTC; without a time it
 * is the first instant of the day.
 *
 * @returns epoch milliseconds, or `undefined` if it is not a date, such as February 30
 */
export function parseInstantMs(text: string): number | undefined {
  const match = form.exec(text.trim());
  if (!match) return undefined;
  const [, year, month, day, hour = "00", minute = "00", second = "00", fraction = "", zone = "Z"] =
    match;
  const milliseconds = fraction.slice(0, 3).padEnd(3, "0");
  const asUtc = `${year}-${month}-${day}T${hour}:${minute}:${second}.${milliseconds}Z`;
  const utc = new Date(asUtc);
  // `Date` would turn February 30 into a day in March.
  if (Number.isNaN(utc.getTime()) || utc.toISOString() !== asUtc) return undefined;
  const offsetMinutes = zoneOffsetMinutes(zone);
  return offsetMinutes === undefined ? undefined : utc.getTime() - offsetMinutes * 60_000;
}

function zoneOffsetMinutes(zone: string): number | undefined {
  if (zone.toUpperCase() === "Z") return 0;
  const hours = Number(zone.slice(1, 3));
  const minutes = Number(zone.slice(3).replace(":", ""));
  if (hours > 15 || minutes > 59) return undefined;
  return (zone.startsWith("-") ? -1 : 1) * (hours * 60 + minutes);
}
