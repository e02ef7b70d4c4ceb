// Makes a release: one version everywhere, a changelog, a commit and a tag. What a changelog calls
// unreleased becomes the section of the version; without it, that of the project is made from the commits.
//
//     npm run release -- 0.2.0            # or --dry-run after it: shows the changelog, changes nothing

import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dirname, "..");
const [version, option] = process.argv.slice(2);
const isDryRun = option === "--dry-run";

if (!/^\d+\.\d+\.\d+$/.test(version ?? "") || (option !== undefined && !isDryRun)) {
  console.error("Usage: npm run release -- MAJOR.MINOR.PATCH [--dry-run]");
  process.exit(2);
}

/** Where the version stands, and how to find it. */
const places = [
  ["package.json", /"version": "([^"]+)"/],
  ["package-lock.json", /"version": "([^"]+)"/],
  ["package-lock.json", /"": \{\s+"name": "license-sessions",\s+"version": "([^"]+)"/],
  ["clients/typescript/package.json", /"version": "([^"]+)"/],
  ["clients/typescript/version.ts", /version = "([^"]+)"/],
  ["clients/python/license_session/version.py", /__version__ = "([^"]+)"/],
  ["clients/csharp/AssemblyInfo.cs", /AssemblyVersion\("([^"]+)\.0"\)/],
];

const headings = [
  ["Changes that need a change of yours", ({ isBreaking }) => isBreaking],
  ["New", ({ type, isBreaking }) => type === "feat" && !isBreaking],
  ["Fixed", ({ type, isBreaking }) => type === "fix" && !isBreaking],
];

const changelogs = [
  "CHANGELOG.md",
  "clients/typescript/CHANGELOG.md",
  "clients/python/CHANGELOG.md",
];

const tag = `v${version}`;
const tags = git("tag", "--list", "v*", "--sort=-version:refname").split("\n").filter(Boolean);
if (tags.includes(tag)) fail(`The tag ${tag} exists. Choose a later version.`);
if (!isDryRun && git("status", "--porcelain") !== "")
  fail("There are changes that are not committed. Commit them first.");

const heading = `## ${version} - ${new Date().toISOString().slice(0, 10)}`;
const released = changelogs.map((file) => {
  const text = readFileSync(join(root, file), "utf8");
  return [file, text.replace(/^## .*unreleased$/m, heading)];
});
const [[, own]] = released;
if (!own.includes(heading)) {
  const at = own.search(/^## /m);
  released[0][1] = `${own.slice(0, at)}${sectionOfCommits()}\n\n${own.slice(at)}`;
}

if (isDryRun) {
  console.log(released[0][1].split(/(?=^## )/m)[1]);
  process.exit(0);
}

for (const [file, pattern] of places) {
  const path = join(root, file);
  const text = readFileSync(path, "utf8");
  const found = pattern.exec(text);
  if (!found)
    fail(`${file} has no version where it is expected. Nothing is committed; see git diff.`);
  const [whole, before] = found;
  writeFileSync(path, text.replace(whole, whole.replace(before, version)));
}
for (const [file, text] of released) writeFileSync(join(root, file), text);

git("commit", "--all", "--message", `chore: release ${version}`);
git("tag", "--annotate", tag, "--message", `Release ${version}`);
console.log(
  `Released ${version}. Record what it stores (test/support/recorded-items), then push main and ${tag}.`,
);

function sectionOfCommits() {
  const range = tags[0] ? `${tags[0]}..HEAD` : "HEAD";
  const changes = git("log", "--no-merges", "--reverse", "--format=%s%x00%b%x01", range)
    .split("\x01")
    .flatMap((commit) => {
      const [subject = "", body = ""] = commit.trim().split("\x00");
      const [, type, bang, text] = /^(\w+)(?:\([^)]*\))?(!?): (.+)$/.exec(subject) ?? [];
      return type
        ? [{ type, text, isBreaking: bang === "!" || body.includes("BREAKING CHANGE:") }]
        : [];
    });
  const sections = headings.flatMap(([name, belongs]) => {
    const lines = changes.filter(belongs).map(({ text }) => `- ${text}`);
    return lines.length === 0 ? [] : [`### ${name}`, [...new Set(lines)].join("\n")];
  });
  return [heading, ...sections].join("\n\n");
}

function git(...args) {
  return execFileSync("git", args, {
    cwd: root,
    encoding: "utf8",
    maxBuffer: 64 * 1024 * 1024,
  }).trim();
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
