import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    // What a handler file reads when it is imported; each test brings a service of its own.
    env: {
      TABLE_NAME: "unused",
      SESSION_TIMEOUT_SECONDS: "60",
      MULTI_SYMBOL_SESSIONS: "true",
      AWS_REGION: "local",
    },
    // A start of the whole service takes seconds, and more on a busy machine.
    maxWorkers: 3,
    silent: "passed-only",
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
});
