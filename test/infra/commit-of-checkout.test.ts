import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { commitOfCheckout } from "../../infra/commit-of-checkout.ts";
import { tempFolder } from "../local/support/temp-folder.ts";

test("names the commit and its time, and says when files differ from it", async () => {
  const folder = await tempFolder();
  const git = (...words: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.com", ...words], {
      cwd: folder,
    });
  git("init", "-q");
  expect(commitOfCheckout(folder)).toBe("unknown");
  writeFileSync(join(folder, "file"), "one");
  git("add", ".");
  git("commit", "-q", "-m", "first");
  const clean = /^[0-9a-f]{12} of \d{4}-\d\d-\d\dT[\d:]{8}(Z|[+-]\d\d:\d\d)$/;
  expect(commitOfCheckout(folder)).toMatch(clean);
  writeFileSync(join(folder, "not-yet-added"), "");
  expect(commitOfCheckout(folder)).toMatch(clean);
  writeFileSync(join(folder, "file"), "two");
  expect(commitOfCheckout(folder)).toMatch(/, with changes that are not committed$/);
});

test("is unknown outside of a repository", async () => {
  expect(commitOfCheckout(await tempFolder())).toBe("unknown");
});
