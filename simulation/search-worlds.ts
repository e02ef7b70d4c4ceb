import { runWorld, type WorldResult } from "./run-world.ts";
import type { Sources } from "./sources.ts";

/** What a search has seen. */
export type Tally = {
  worlds: number;
  simulatedMs: number;
  requests: number;
  sessions: number;
  /** Of these, sessions of several symbols. */
  severalSessions: number;
  /** What became of some sessions, how often. */
  counts: Map<string, number>;
  /** How often each kind of departure came about. */
  departures: Map<string, number>;
  /** How often a client came to each state. */
  states: Map<string, number>;
  /** How often a kind of departure befell a process, or its requests, in each state. */
  meetings: Map<string, number>;
};

export type SearchOptions = {
  sources: Sources;
  firstSeed: number;
  restless?: boolean | undefined;
  several?: boolean | undefined;
  /** Asked before each world. */
  goesOn(tally: Tally): boolean;
};

/** Runs worlds, one seed after the other, until one breaks a promise. */
export async function searchWorlds({
  sources,
  firstSeed,
  restless,
  several,
  goesOn,
}: SearchOptions): Promise<{ tally: Tally; failing?: { seed: number; result: WorldResult } }> {
  const tally: Tally = {
    worlds: 0,
    simulatedMs: 0,
    requests: 0,
    sessions: 0,
    severalSessions: 0,
    counts: new Map(),
    departures: new Map(),
    states: new Map(),
    meetings: new Map(),
  };
  for (let seed = firstSeed; goesOn(tally); seed++) {
    const result = await runWorld({ seed, sources, restless, several });
    tally.worlds++;
    tally.simulatedMs += result.simulatedMs;
    tally.requests += result.requests;
    tally.sessions += result.sessions;
    tally.severalSessions += result.severalSessions;
    for (const [what, count] of result.counts) add(tally.counts, what, count);
    for (const { kind } of result.departures) add(tally.departures, kind, 1);
    for (const [state, count] of result.states) add(tally.states, state, count);
    for (const [meeting, count] of result.meetings) add(tally.meetings, meeting, count);
    if (result.violation) return { tally, failing: { seed, result } };
  }
  return { tally };
}

function add(counts: Map<string, number>, name: string, count: number): void {
  counts.set(name, (counts.get(name) ?? 0) + count);
}
