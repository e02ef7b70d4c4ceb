import { execFile, spawnSync } from "node:child_process";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { env } from "node:process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { runWorld } from "../../simulation/run-world.ts";
import { loadSources } from "../../simulation/sources.ts";
import { tempFolder } from "../local/support/temp-folder.ts";
import { recordingSources } from "./record-openings.ts";

const root = join(import.meta.dirname, "../..");
const python = join(import.meta.dirname, "../clients/python");
const hasPython = spawnSync("python3", ["--version"]).status === 0 || env.CI !== undefined;
const [firstSeed, worlds, leastOpenings] =
  env.PROOF === "deep" ? [1_000, 200, 250] : [1_000, 20, 25];

test.skipIf(!hasPython)(
  "in the worlds of the simulation the Python client asks, waits, believes and ends as the TypeScript client does",
  async () => {
    const recording = recordingSources(await loadSources());
    for (let seed = firstSeed; seed < firstSeed + worlds; seed++) {
      const { violation } = await runWorld({ seed, sources: recording.sources, restless: true });
      expect(violation).toBeUndefined();
    }
    const openings = recording.finished();
    expect(openings.length).toBeGreaterThan(leastOpenings);
    const file = join(await tempFolder(), "openings.json");
    await writeFile(file, JSON.stringify(openings));
    const { stdout } = await promisify(execFile)(
      "python3",
      ["-B", join(python, "play_openings.py"), file],
      {
        env: { ...env, PYTHONPATH: `${join(root, "clients/python")}:${python}` },
        maxBuffer: 2 ** 28,
      },
    );
    expect(
      stdout
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line)),
    ).toEqual([{ played: openings.length }]);
  },
);
