import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: "test/support/global-setup.ts",
    // What a handler file reads when it is imported; each test brings a service of its own.
    env: {
      TABLE_NAME: "unused",
      SESSION_TIMEOUT_SECONDS: "60",
      MULTI_SYMBOL_SESSIONS: "true",
      AWS_REGION: "local",
      // CDK's own checks cost seconds for each template; `npm run synth` and the test of cdk-nag do them.
      CDK_VALIDATION: "false",
    },
    // A thread costs less than a process, which counts with a worker for each file.
    pool: "threads",
    maxWorkers: 3,
    silent: "passed-only",
    // Only for what waits for ever: a start of the whole service takes 2 s, and 40 s on a busy machine.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    expect: { poll: { timeout: 120_000 } },
  },
});
