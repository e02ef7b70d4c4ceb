import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import process, { env } from "node:process";
import { pathToFileURL } from "node:url";
import { endsWithRun } from "../support/ends-with-run.ts";

export const entry = join(import.meta.dirname, "../../clients/typescript/open-session.ts");

type Ended = { exitCode: number | null; signal: NodeJS.Signals | null; output: string };

/**
 * Runs a program that uses the TypeScript client, in a process of its own.
 *
 * @param source may use `openSession`, `url`, `entry`, which is the client's file, and `bot`, which
 *   are the options of a session
 */
export function runProgram(
  url: string,
  source: string,
  variables: Record<string, string> = {},
): { child: ChildProcess; ended: Promise<Ended> } {
  const program = `
    import { openSession } from ${JSON.stringify(entry)};
    const entry = ${JSON.stringify(pathToFileURL(entry).href)};
    const url = ${JSON.stringify(url)};
    const bot = { url, licenseKey: "KEY", deviceFingerprint: "device" };
    ${source}`;
  const words = ["--input-type=module-typescript", "--eval", program];
  return run(["--disable-warning=ExperimentalWarning", ...words], variables);
}

/** Runs a file of JavaScript with the address as its argument. */
export function runFile(path: string, url: string): Promise<Ended> {
  return run([path, url], {}).ended;
}

function run(words: string[], variables: Record<string, string>) {
  const child = endsWithRun(spawn(process.execPath, words, { env: { ...env, ...variables } }));
  let output = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
    });
  }
  const ended = once(child, "close").then(([exitCode, signal]) => ({ exitCode, signal, output }));
  return { child, ended };
}
