// Breaks the code in every way that Stryker knows; `npm run mutate` does it in ways that were thought
// of. It has a package of its own, since it is larger than all that the tests need. From the root:
//
//     npm ci --prefix test/mutation/stryker
//     STRYKER_PART=client npx --prefix test/mutation/stryker stryker run test/mutation/stryker/stryker.config.mjs
//
// The report is printed and written to .test-results/. With `--mutate FILE` it judges that file alone.

const { STRYKER_PART: part = "functions" } = process.env;

/** What is broken; `vitest.config.ts` says which tests must see it. */
const parts = {
  functions: ["lambdas/**/*.ts"],
  // What is decided without a socket or a timer: the rest is tested in real time, too slow for this.
  client: ["answers", "claim-ids", "claim-session", "keeping-state", "timing"].map(
    (name) => `clients/typescript/${name}.ts`,
  ),
};

export default {
  mutate: parts[part],
  testRunner: "vitest",
  vitest: { configFile: "test/mutation/stryker/vitest.config.ts", related: false },
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
