import { readFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";
import { defineConfig } from "vitest/config";
import { mutants } from "./test/mutation/mutants.ts";
import normal from "./vitest.config.ts";

const mutant = mutants[Number(env.MUTANT)];

/** For `npm run mutate`: the tests see one file broken; on disk it stays as it is. */
export default defineConfig({
  plugins: [
    {
      name: "mutant",
      enforce: "pre",
      load(id) {
        if (!mutant || id !== join(import.meta.dirname, mutant.file)) return;
        return readFileSync(id, "utf8").replace(mutant.from, () => mutant.to);
      },
    },
  ],
  test: {
    ...normal.test,
    env: { ...normal.test?.env, PROOF: "mutation" },
    bail: 1,
    maxWorkers: 1,
    // Some mutants wait for ever. That one did is no kill: see `isTimeout` in mutate.ts.
    testTimeout: 30_000,
  },
});
