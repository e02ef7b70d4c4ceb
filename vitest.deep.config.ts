import { defineConfig, mergeConfig } from "vitest/config";
import normal from "./vitest.config.ts";

/** `npm run test:deep`: the searches for a counterexample, with many more cases. */
export default mergeConfig(
  normal,
  defineConfig({
    test: { env: { PROOF: "deep" }, maxWorkers: 2 },
  }),
);
