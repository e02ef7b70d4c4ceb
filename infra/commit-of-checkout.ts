import { execFileSync } from "node:child_process";

/**
 * The commit that is checked out in a folder, such as `1a2b3c4d5e6f of 2026-11-29T08:15:30Z`, for an
 * operator who wonders what is deployed. `unknown` without git or a repository.
 */
export function commitOfCheckout(folder: string): string {
  const git = (...words: string[]) =>
    execFileSync("git", words, { cwd: folder, encoding: "utf8", stdio: "pipe" }).trim();
  try {
    const commit = git("log", "-1", "--abbrev=12", "--date=iso-strict", "--format=%h of %cd");
    const isClean = git("status", "--porcelain", "--untracked-files=no") === "";
    return isClean ? commit : `${commit}, with changes that are not committed`;
  } catch {
    return "unknown";
  }
}
