import { spawn, spawnSync } from "node:child_process";
import process from "node:process";

/** Windows has neither process groups nor signals that a program could listen to. */
export const hasSignals = process.platform !== "win32";

/** A program that is examined. */
export type Program = ReturnType<typeof startProgram>;

/** A TRADE line, with the wall clock in milliseconds if the program names it. */
export const tradeLine = /^TRADE(?:\s+(\d{12,14})(?:\.\d+)?)?\s*$/;

/**
 * Starts a program in a process group of its own, so that wrappers (a shell, npm) get the signals as well.
 *
 * @param hears is called for each line that it prints, and for what may stand before the next line's end
 * @param ended is called once, when it has exited
 */
export function startProgram(
  [command = "", ...words]: readonly string[],
  variables: Readonly<Record<string, string>>,
  hears: (line: string, atOnce: number) => void,
  ended: (how: string) => void,
) {
  const child = spawn(command, words, {
    detached: hasSignals,
    windowsHide: true,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...variables },
  });
  const started = new Promise<void>((resolve, reject) => {
    child.once("spawn", resolve);
    child.once("error", reject);
  });
  for (const stream of [child.stdout, child.stderr]) {
    let rest = "";
    stream.setEncoding("utf8");
    stream.on("data", (text: string) => {
      const lines = `${rest}${text}`.split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) hears(line, lines.length);
    });
    stream.on("end", () => {
      if (rest) hears(rest, 1);
    });
  }
  const heard = new Promise<void>((resolve) => child.once("close", () => resolve()));
  let over = false;
  child.once("exit", (code, signal) => {
    over = true;
    ended(signal ?? `code ${code}`);
  });
  return {
    started,
    isOver: () => over,
    /** Resolves once all that it printed was heard, some time after its exit. */
    heard,
    signal: (name: NodeJS.Signals) => {
      if (child.pid === undefined) return;
      if (!hasSignals) {
        spawnSync("taskkill", ["/pid", String(child.pid), "/t", "/f"]);
        return;
      }
      try {
        process.kill(-child.pid, name);
      } catch (error) {
        // The whole group is gone already.
        if (!(error instanceof Error && "code" in error && error.code === "ESRCH")) throw error;
      }
    },
  };
}
