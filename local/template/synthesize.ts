import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { env, execPath } from "node:process";
import { promisify } from "node:util";
import * as z from "zod";
import { CommandError } from "../../ops/terminal/command-error.ts";

const projectFolder = join(import.meta.dirname, "../..");

/**
 * Runs the CDK app as `cdk synth` does, but without the CLI, which takes seconds.
 *
 * @param folder where the assembly is written. CDK makes the bundles in it writable for everyone,
 *   so the folder must be accessible only to this user
 * @param settings the stack's settings as text, as with `cdk -c`. Those in cdk.json are ignored,
 *   because they refer to resources in an AWS account
 * @param signal stops the app; the promise settles once the app has ended
 * @returns the template of the service's stack
 * @throws CommandError with the app's error output
 */
export async function synthesize(
  folder: string,
  settings: Record<string, string>,
  signal: AbortSignal,
): Promise<unknown> {
  const { context } = z
    .object({ context: z.record(z.string(), z.unknown()) })
    .parse(JSON.parse(await readFile(join(projectFolder, "cdk.json"), "utf8")));
  // Settings have names of letters only, unlike CDK's own flags, which are kept.
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
        // Validation takes seconds, and `npm run synth` covers it.
        CDK_VALIDATION: "false",
      },
    });
    // execFile's `signal` option rejects without waiting for the process to end.
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
