import { disturbanceKinds } from "./disturbances.ts";
import type { Tally } from "./search-worlds.ts";

/** What a search has seen, and how fast. */
export function tallyText(tally: Tally, tookMs: number): string {
  const { worlds, simulatedMs, requests, counts, departures, states, meetings } = tally;
  const hours = simulatedMs / 3_600_000;
  const hoursPerMinute = Math.round(hours / (tookMs / 60_000));
  const missing = Object.keys(disturbanceKinds).filter(
    (kind) => !departures.has(kind) && kind !== "change the rules",
  );
  return [
    `${worlds} worlds, ${hours.toFixed(1)} simulated hours in ${(tookMs / 1_000).toFixed(1)} s ` +
      `(${hoursPerMinute} a minute): ${sessionsText(tally)}, ${requests} requests\n`,
    `\nWhat became of sessions, how often\n${countLines(counts)}`,
    `\nWhat went wrong or was done, how often\n${countLines(departures)}`,
    missing.length > 0 ? `Never: ${missing.join(", ")}\n` : "",
    `\nStates of the clients, how often\n${countLines(states)}`,
    `\nWhat befell a client or its requests, by its state\n${tableText(meetings)}`,
  ].join("");
}

export function sessionsText({ sessions, severalSessions }: Tally): string {
  return `${sessions} sessions, ${severalSessions} of them of several symbols`;
}

function countLines(counts: ReadonlyMap<string, number>): string {
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${String(count).padStart(9)}  ${name}\n`)
    .join("");
}

/** Names are `kind | state`. */
function tableText(meetings: ReadonlyMap<string, number>): string {
  const pairs = [...meetings].map(([name, count]) => ({ pair: name.split(" | "), count }));
  const kinds = [...new Set(pairs.map(({ pair }) => pair[0] ?? ""))].sort();
  const states = [...new Set(pairs.map(({ pair }) => pair[1] ?? ""))].sort();
  const line = (first: string, cells: readonly string[]) =>
    `${first.padEnd(28)}${cells.map((cell) => cell.padStart(10)).join("")}\n`;
  return [
    line("", states),
    ...kinds.map((kind) =>
      line(
        kind,
        states.map((state) => String(meetings.get(`${kind} | ${state}`) ?? "-")),
      ),
    ),
  ].join("");
}
