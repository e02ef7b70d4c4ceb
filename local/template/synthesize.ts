import { execFile } from "node:child_process";
import { chmod, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { promisify } from "node:util";
import * as z from "zod";
import { CommandError } from "../../engine/command-error.ts";

const projectFolder = join(import.meta.dirname, "../..");

/**
 * Runs the CDK app as `cdk synth` would, without the CLI and its seconds.
 *
 * @param folder where the assembly is written
 * @param context goes on top of the context in cdk.json, each value as text like that of `cdk -c`
 * @param signal ends it early; it settles when the app has ended
 * @throws CommandError with what the app said
 */
export async function synthesize(
  folder: string,
  context: Record<string, string>,
  signal: AbortSignal,
): Promise<void> {
  const inCdkJson = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(await readFile(join(projectFolder, "cdk.json"), "utf8")));
  signal.throwIfAborted();
  try {
    const words = ["--disable-warning=ExperimentalWarning", "infra/app.ts"];
    const running = promisify(execFile)(execPath, words, {
      cwd: projectFolder,
      env: {
        ...env,
        CDK_OUTDIR: folder,
        CDK_CONTEXT_JSON: JSON.stringify({ ...inCdkJson.context, ...context }),
        // Costs seconds, and `npm run synth` does it.
        CDK_VALIDATION: "false",
      },
    });
    // Not execFile's own way, which doesn't wait for the end of what it kills.
    signal.addEventListener("abort", () => running.child.kill());
    await running;
    // CDK lets everybody write into the folders of the bundles.
    for (const name of await readdir(folder))
      if (name.startsWith("asset.")) await chmod(join(folder, name), 0o700);
  } catch (error) {
    const said = z.object({ stderr: z.string().min(1) }).safeParse(error);
    throw new CommandError(
      `The stack can't be synthesized.\n${said.success ? said.data.stderr : error}`,
    );
  }
}
