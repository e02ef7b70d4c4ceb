import { env } from "node:process";
import { defineConfig } from "vitest/config";
import normal from "../../vitest.config.ts";

const { STRYKER_PART: part = "functions" } = env;

const tests: Record<string, string[]> = {
  functions: [
    "test/lambdas/**/*.test.ts",
    "test/behaviour/rules.dynamodb-local.test.ts",
    "test/contract/openapi.test.ts",
    "test/infra/edge-stack.test.ts",
    "test/ops/commands/end-session.test.ts",
    "test/ops/commands/history.test.ts",
  ],
  client: [
    "test/clients/typescript-answers.test.ts",
    "test/clients/typescript-s*.test.ts",
    "test/clients/typescript-timing.test.ts",
  ],
};

const { projects: _projects, ...ours } = normal.test ?? {};

export default defineConfig({
  test: {
    ...ours,
    // Stryker starts the tests again for each mutant, but not this program.
    globalSetup: [],
    include: tests[part] ?? [],
    env: { ...ours.env, PROOF: "mutation" },
    testTimeout: 30_000,
  },
});
