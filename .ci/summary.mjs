// Sums the reports of a run of the gate up in the line `N passed, N failed`. Exits with 1 if a
// promised test did not run.
import { readFileSync } from "node:fs";

const reports = process.argv.slice(2).map(readReport);
const tests = reports.flatMap(({ testResults }) =>
  testResults.flatMap(({ assertionResults }) => assertionResults),
);
const passed = tests.filter(({ status }) => status === "passed");
const failed = tests.filter(({ status }) => status === "failed");
const skipped = tests.filter((test) => !passed.includes(test) && !failed.includes(test));

const promised = [
  "on dynalite",
  "on DynamoDB Local",
  "npm start",
  "the C# client",
  "the Python client",
  "the Python package",
  "the package that `npm pack` makes of the TypeScript client, in an empty project",
  "the TypeScript client in a page of Chromium",
  "both clients against npm start",
];

const complaints = skipped.map(({ fullName }) => `Not run: ${fullName}`);
for (const suite of promised) {
  if (!passed.some(({ ancestorTitles }) => ancestorTitles.includes(suite))) {
    complaints.push(`Not one test passed of the suite "${suite}"`);
  }
}
for (const complaint of complaints) console.error(complaint);
console.log(`${passed.length} passed, ${failed.length} failed`);
const succeeded = reports.length > 0 && reports.every(({ success }) => success);
process.exitCode = complaints.length + failed.length > 0 || !succeeded ? 1 : 0;

function readReport(file) {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    console.error(`There is no report of the tests in ${file}`);
    return { success: false, testResults: [] };
  }
}
