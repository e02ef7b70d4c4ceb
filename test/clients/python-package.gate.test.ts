import { describePythonTests } from "./python-tests.ts";

await describePythonTests("the Python package", ["test_package.py"]);
