import { getEventListeners } from "node:events";
import { env, stdout } from "node:process";
import { describe, expect, test } from "vitest";
import { neverAborted } from "../../clients/typescript/runtime.ts";
import { failureText } from "../../simulation/failure-text.ts";
import { runWorld } from "../../simulation/run-world.ts";
import { searchWorlds } from "../../simulation/search-worlds.ts";
import { loadSources } from "../../simulation/sources.ts";
import { type TimelineEntry, timelineText } from "../../simulation/timeline-text.ts";

const sources = await loadSources();
const isDeep = env.PROOF === "deep";
const wantedSessions = isDeep ? 1_000_000 : 300;
const firstSeed = Number(env.PROOF_SEED ?? (isDeep ? Math.floor(performance.timeOrigin) % 1e9 : 1));

describe("in every simulated world", () => {
  test("no promise is broken", { timeout: 24 * 3_600_000 }, async () => {
    const { tally, failing } = await searchWorlds({
      sources,
      firstSeed,
      restless: isDeep,
      goesOn: ({ sessions }) => sessions < wantedSessions,
    });
    const { worlds, sessions, requests, simulatedMs } = tally;
    const hours = Math.round(simulatedMs / 3_600_000);
    stdout.write(
      `${worlds} worlds from seed ${firstSeed} on: ${sessions} sessions, ${requests} requests, ${hours} hours\n`,
    );
    expect(failing && (await failureText(failing.world, failing.result))).toBeUndefined();
    expect(sessions).toBeGreaterThanOrEqual(wantedSessions);
  });
});

test("a seed is a world: it happens the same way twice, to the letter", async () => {
  const timelines: string[] = [];
  for (const seed of [3, 4, 3, 4]) timelines.push(await timelineOf(seed));
  expect(timelines[0]?.length).toBeGreaterThan(500);
  expect(timelines[2]).toBe(timelines[0]);
  expect(timelines[3]).toBe(timelines[1]);
});

test("a world that is over leaves no listener, which would keep it in memory and slow the next ones", async () => {
  for (const seed of [1, 2, 3]) await runWorld({ seed, sources, restless: true });
  expect(getEventListeners(neverAborted, "abort")).toEqual([]);
});

async function timelineOf(seed: number): Promise<string> {
  const entries: TimelineEntry[] = [];
  await runWorld({ seed, sources, onEntry: (entry) => entries.push(entry) });
  return timelineText(entries);
}
