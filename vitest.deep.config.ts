import { defineConfig } from "vitest/config";
import normal from "./vitest.config.ts";

/** `npm run test:deep`: the searches for a counterexample, with many more cases. */
const { projects: _projects, ...tests } = normal.test ?? {};

export default defineConfig({
  test: {
    ...tests,
    include: [
      "test/lambdas/bad-bodies.test.ts",
      "test/simulation/python-openings.test.ts",
      "test/simulation/worlds.test.ts",
    ],
    env: { ...tests.env, PROOF: "deep" },
    maxWorkers: 2,
  },
});
