import { defineConfig } from "vitest/config";
import normal from "./vitest.config.ts";

/** `npm run test:deep`: the searches for a counterexample, with many more cases. */
export default defineConfig({
  test: {
    ...normal.test,
    include: ["test/proof/**/*.test.ts", "test/simulation/worlds.test.ts"],
    env: { ...normal.test?.env, PROOF: "deep" },
    maxWorkers: 2,
  },
});
