import {
  count,
  nothingSeen,
  runWorld,
  type Seen,
  type World,
  type WorldKind,
  type WorldResult,
} from "./run-world.ts";

/** What a search has seen. */
export type Tally = Seen & {
  worlds: number;
  /** How often each kind of departure came about. */
  departures: Map<string, number>;
};

type SearchOptions = WorldKind & {
  firstSeed: number;
  /** Asked before each world. */
  goesOn(tally: Tally): boolean;
};

/** Runs worlds, one seed after the other, until one breaks a promise. */
export async function searchWorlds({ firstSeed, goesOn, ...kind }: SearchOptions): Promise<{
  tally: Tally;
  failing?: { world: World; result: WorldResult };
}> {
  const tally: Tally = { ...nothingSeen(), worlds: 0, departures: new Map() };
  for (let seed = firstSeed; goesOn(tally); seed++) {
    const world = { ...kind, seed };
    const result = await runWorld(world);
    tally.worlds++;
    for (const name of ["simulatedMs", "requests", "sessions", "severalSessions"] as const)
      tally[name] += result[name];
    for (const name of ["counts", "states", "meetings"] as const)
      for (const [what, often] of result[name]) count(tally[name], what, often);
    for (const { kind } of result.departures) count(tally.departures, kind);
    if (result.violation) return { tally, failing: { world, result } };
  }
  return { tally };
}
