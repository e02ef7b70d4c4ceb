import { defineConfig } from "vitest/config";
import normal from "./vitest.config.ts";

const { projects: _projects, ...tests } = normal.test ?? {};

/** `npm run test:gate`: what takes real seconds, or builds and installs. `.ci/run` runs it, too. */
export default defineConfig({
  test: { ...tests, include: ["test/**/*.gate.test.ts"], maxWorkers: 2 },
});
