import { readdirSync } from "node:fs";
import { describePythonTests, pythonTests } from "./python-tests.ts";

const files = readdirSync(pythonTests).filter((name) => /^test_.*\.py$/.test(name));

await describePythonTests(
  "the Python client",
  // It builds and installs for half a minute: a test of the gate.
  files.filter((name) => name !== "test_package.py"),
);
