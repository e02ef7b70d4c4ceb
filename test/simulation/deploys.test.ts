import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { searchWorlds } from "../../simulation/search-worlds.ts";
import { deployedOver, loadEarlierFunctions, loadSources } from "../../simulation/sources.ts";

const sources = await loadSources();

describe("worlds in which a version is deployed over an earlier one, and back", () => {
  test("break no promise if the earlier one broke none", async () => {
    const earlier = await loadEarlierFunctions(join(import.meta.dirname, "../.."));
    const { tally, failing } = await searchWorlds({
      sources: deployedOver(earlier, sources),
      firstSeed: 1,
      goesOn: ({ worlds }) => worlds < 25,
    });
    expect(failing?.result.violation).toBeUndefined();
    expect(tally.departures.get("change the rules")).toBeGreaterThan(10);
  });

  test("show what the earlier one does wrong", async () => {
    const { createHandler } = sources;
    const { failing } = await searchWorlds({
      // As the old server: a heartbeat that was not written is answered 200.
      sources: deployedOver(
        (route, parts) =>
          route === "heartbeat"
            ? async () => ({
                statusCode: 200,
                body: '{"code":"recorded","session_timeout_seconds":1}',
                headers: {},
              })
            : createHandler(route, parts),
        sources,
      ),
      firstSeed: 1,
      goesOn: ({ worlds }) => worlds < 25,
    });
    expect(failing?.result.violation?.rule).toBe("every 200 was stored");
  });
});
