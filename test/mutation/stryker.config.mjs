// Breaks the code in every way that Stryker knows. It has a package of its own, since it is larger
// than all that the tests need, and needs Node.js 22. From the root:
//
//     npm ci --prefix test/mutation
//     npm run mutate                                   # the functions
//     npm run mutate -- --mutate lambdas/rules/claim.ts    # one file
//     STRYKER_SINCE=main npm run mutate                # the functions that have changed since a commit
//     STRYKER_PART=client npm run mutate               # the TypeScript client
//
// The report is printed and written to .test-results/.

import { execFileSync } from "node:child_process";

const { STRYKER_PART: part = "functions", STRYKER_SINCE: since } = process.env;

const changedFiles = (commit) =>
  execFileSync("git", ["diff", "--name-only", "--diff-filter=d", commit, "--", "lambdas"], {
    encoding: "utf8",
  })
    .split("\n")
    .filter(Boolean);

/** What is broken; `vitest.config.ts` says which tests must see it. */
const parts = {
  functions: since ? changedFiles(since) : ["lambdas/**/*.ts"],
  // What is decided without a socket or a timer: the rest is tested in real time, too slow for this.
  client: ["answers", "claiming-state", "keeping-state", "timing"].map(
    (name) => `clients/typescript/${name}.ts`,
  ),
};

export default {
  mutate: parts[part],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/vitest.config.ts", related: false },
  plugins: ["@stryker-mutator/vitest-runner"],
  coverageAnalysis: "perTest",
  // TypeScript 7 has no API that Stryker could rewrite a tsconfig with, and vitest needs none.
  tsconfigFile: "none",
  ignorePatterns: [".local", "cdk.out", "bench"],
  tempDirName: ".test-results/stryker",
  incremental: true,
  incrementalFile: `.test-results/stryker-${part}-incremental.json`,
  concurrency: 2,
  timeoutMS: 30_000,
  reporters: ["clear-text", "json", "progress-append-only"],
  jsonReporter: { fileName: `.test-results/stryker-${part}.json` },
  clearTextReporter: { logTests: false, reportTests: false },
};
