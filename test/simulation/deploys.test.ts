import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { searchWorlds } from "../../simulation/search-worlds.ts";
import { deployedOver, loadEarlier, loadSources } from "../../simulation/sources.ts";

const sources = await loadSources();

describe("worlds in which a version is deployed over an earlier one, and back", () => {
  test("break no promise if the earlier one broke none", async () => {
    const { createHandler, openSession } = await loadEarlier(join(import.meta.dirname, "../.."));
    const { tally, failing } = await searchWorlds({
      sources: deployedOver({ createHandler, ...(openSession && { openSession }) }, sources),
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
        {
          createHandler: (route, parts) =>
            route === "heartbeat"
              ? async () => ({
                  statusCode: 200,
                  body: '{"code":"recorded","session_timeout_seconds":60,"held_for_seconds":55}',
                  headers: {},
                })
              : createHandler(route, parts),
        },
        sources,
      ),
      firstSeed: 1,
      goesOn: ({ worlds }) => worlds < 25,
    });
    expect(failing?.result.violation?.rule).toMatch(/every 200 was stored|lasts as long/);
  });
});
