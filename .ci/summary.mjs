// Ends a run with the line `N passed, N failed`; exits with 1 if a promised test did not run.
import { readFileSync } from "node:fs";

const report = readReport(process.argv[2]);
const tests = report.testResults.flatMap(({ assertionResults }) => assertionResults);
const passed = tests.filter(({ status }) => status === "passed");
const failed = tests.filter(({ status }) => status === "failed");
const skipped = tests.filter((test) => !passed.includes(test) && !failed.includes(test));

const complaints = skipped.map(({ fullName }) => `Not run: ${fullName}`);
for (const suite of ["on dynalite", "on DynamoDB Local", "npm start"]) {
  if (!passed.some(({ ancestorTitles }) => ancestorTitles.includes(suite))) {
    complaints.push(`Not one test passed of the suite "${suite}"`);
  }
}
for (const complaint of complaints) console.error(complaint);
console.log(`${passed.length} passed, ${failed.length} failed`);
process.exitCode = complaints.length + failed.length > 0 || !report.success ? 1 : 0;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    console.error(`There is no report of the tests in ${file}`);
    return { success: false, testResults: [] };
  }
}
