import { seconds } from "./simulated-service.ts";

/** Who did what, and when: milliseconds from the start of the world. */
export type TimelineEntry = { atMs: number; who: string; what: string };

/** A timeline as lines of text. */
export function timelineText(entries: readonly TimelineEntry[]): string {
  const width = Math.max(0, ...entries.map(({ who }) => who.length));
  return entries
    .map(({ atMs, who, what }) => `${seconds(atMs).padStart(12)}  ${who.padEnd(width)}  ${what}\n`)
    .join("");
}
