import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { promisify } from "node:util";
import * as z from "zod";
import { CommandError } from "../../command-line/command-error.ts";

const projectFolder = join(import.meta.dirname, "../..");

/**
 * Runs the CDK app as `cdk synth` would, without the CLI and its seconds.
 *
 * @param folder where the assembly is written; CDK lets everybody write into the bundles in it, so nobody
 *   else may get into the folder
 * @param settings of the stack, each as text like that of `cdk -c`; those in cdk.json name what is
 *   in an AWS account, and don't count here
 * @param signal ends it early; it settles when the app has ended
 * @returns the template of the service's stack
 * @throws CommandError with what the app said
 */
export async function synthesize(
  folder: string,
  settings: Record<string, string>,
  signal: AbortSignal,
): Promise<unknown> {
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(await readFile(join(projectFolder, "cdk.json"), "utf8")));
  // The names of settings are letters alone, CDK's own never are.
  const flags = Object.entries(context).filter(([name]) => !/^[a-z]+$/i.test(name));
  signal.throwIfAborted();
  try {
    const words = ["--disable-warning=ExperimentalWarning", "infra/app.ts"];
    const running = promisify(execFile)(execPath, words, {
      cwd: projectFolder,
      env: {
        ...env,
        CDK_OUTDIR: folder,
        CDK_CONTEXT_JSON: JSON.stringify({ ...Object.fromEntries(flags), ...settings }),
        // Costs seconds, and `npm run synth` does it.
        CDK_VALIDATION: "false",
      },
    });
    // Not execFile's own way, which doesn't wait for the end of what it kills.
    signal.addEventListener("abort", () => running.child.kill());
    await running;
    return JSON.parse(await readFile(join(folder, "LicenseSessions.template.json"), "utf8"));
  } catch (error) {
    const said = z.object({ stderr: z.string().min(1) }).safeParse(error);
    throw new CommandError(
      `The stack can't be synthesized.\n${said.success ? said.data.stderr : error}`,
    );
  }
}
