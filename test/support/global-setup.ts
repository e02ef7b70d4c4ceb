import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import process, { env, execPath } from "node:process";

let cleaner: ChildProcess | undefined;
let folder = "";

/**
 * Vitest calls it before all tests: makes the temporary folder that holds all others, and starts a
 * program that cleans up after the run, however that ends.
 */
export function setup(): void {
  folder = mkdtempSync(join(tmpdir(), "license-sessions-tests-"));
  const notes = join(folder, "processes");
  mkdirSync(notes);
  env.TEST_PROCESSES = notes;
  for (const name of ["TMPDIR", "TEMP", "TMP"]) env[name] = folder;
  // Node.js writes it into that folder when a process ends, also after the folder is gone.
  env.NODE_DISABLE_COMPILE_CACHE = "1";

  // In a group of its own, which Ctrl-C does not reach; but it sees the end of its input.
  cleaner = spawn(execPath, [join(import.meta.dirname, "clean-up.ts"), folder, notes], {
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
  });
  cleaner.unref();
}

/**
 * Vitest calls it after all tests; resolves when nothing of the run is left. The run fails if a test
 * has left something in the temporary folder.
 */
export async function teardown(): Promise<void> {
  if (cleaner === undefined) return;
  const strays = readdirSync(folder).filter((name) => name !== "processes");
  const ended = once(cleaner, "exit");
  // Else the program would end before its cleaner, and before what follows.
  cleaner.ref();
  cleaner.stdin?.end();
  await ended;
  if (strays.length === 0) return;
  console.error(
    `Left in the temporary folder by a test, which must remove it: ${strays.join(", ")}`,
  );
  // Vitest would not fail by an error that is thrown here.
  process.exitCode = 1;
}
