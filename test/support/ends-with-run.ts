import type { ChildProcess } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { env } from "node:process";

/**
 * Registers a process, so that neither it nor its process group outlives the test run, even if that
 * ends by Ctrl-C. See `global-setup.ts`.
 *
 * @returns the same process
 */
export function endsWithRun<Child extends ChildProcess>(child: Child): Child {
  const { TEST_PROCESSES: notes } = env;
  if (notes === undefined || child.pid === undefined) return child;
  const note = join(notes, String(child.pid));
  writeFileSync(note, "");
  child.once("exit", () => rmSync(note, { force: true }));
  return child;
}
