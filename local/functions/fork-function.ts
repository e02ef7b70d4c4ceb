import { type ChildProcess, fork } from "node:child_process";
import { join } from "node:path";
import type { FunctionSpec } from "../template/interpret-template.ts";

export type ForkOptions = Pick<FunctionSpec, "codeFolder"> & {
  /** All that the process gets. */
  environment: Record<string, string | undefined>;
  /** Where its log goes: this process's output, or the file of a descriptor. */
  output: "inherit" | number;
};

const program = join(import.meta.dirname, "function-process.ts");

const living = new Set<ChildProcess>();
// A function in an endless loop would not notice that its gateway is gone.
process.on("exit", () => {
  for (const child of living) child.kill("SIGKILL");
});

/** Starts the process of a function. It doesn't outlive this one. */
export function forkFunction({ codeFolder, environment, output }: ForkOptions): ChildProcess {
  const child = fork(program, [], {
    cwd: codeFolder,
    env: environment,
    // Two processes can't share a debugger's port.
    execArgv: process.execArgv.filter((option) => !option.startsWith("--inspect")),
    stdio: ["ignore", output, output, "ipc"],
  });
  living.add(child);
  child.once("exit", () => living.delete(child));
  return child;
}
