// Started by global-setup.ts: waits until the run of the tests has ended, and cleans up after it.
import { readdirSync, rmSync } from "node:fs";
import { argv, kill, stdin } from "node:process";

const [, , folder = "", notes = ""] = argv;

stdin.on("end", cleanUp).on("error", cleanUp).resume();

function cleanUp(): void {
  for (const id of readdirSync(notes)) {
    end(-Number(id));
    end(Number(id));
  }
  // What has been ended just now may still have written a file.
  rmSync(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

function end(id: number): void {
  try {
    kill(id, "SIGKILL");
  } catch {
    // It has ended already, or leads no group.
  }
}
