import { defineConfig, type TestUserConfig } from "vitest/config";

const tests: TestUserConfig = {
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
  // Only for what waits for ever: a start of the whole service takes 2 s, and 40 s on a busy machine.
  testTimeout: 300_000,
  hookTimeout: 300_000,
  expect: { poll: { timeout: 120_000 } },
};

/** Their tests change nothing in CDK, the SDK and the commands, so a thread loads those once for all. */
const folders = "test/{behaviour,check-bot,contract,docs,infra,lambdas,local,ops}";
const sharing = `${folders}/**/*.test.ts`;
/** Replaces a module of Node.js, which must not be there yet. */
const replacing = "test/local/database/data-folder.test.ts";
/** What takes real seconds, or builds and installs: see `vitest.gate.config.ts`. */
const ofGate = "test/**/*.gate.test.ts";

export default defineConfig({
  test: {
    ...tests,
    globalSetup: "test/support/global-setup.ts",
    maxWorkers: 3,
    silent: "passed-only",
    projects: [
      {
        test: {
          ...tests,
          name: "sharing",
          include: [sharing],
          exclude: [replacing, ofGate],
          isolate: false,
        },
      },
      {
        test: {
          ...tests,
          name: "alone",
          include: ["test/**/*.test.ts"],
          exclude: [sharing, ofGate],
        },
      },
      { test: { ...tests, name: "replacing", include: [replacing] } },
    ],
  },
});
