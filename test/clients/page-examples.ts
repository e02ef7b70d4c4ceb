import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import process, { env } from "node:process";
import { endsWithRun } from "../support/ends-with-run.ts";

const root = join(import.meta.dirname, "../..");

/** How an example is run in each of the languages, from the folder of the project. */
const commands = {
  sh: ["bash", "-c"],
  ts: [process.execPath, "--input-type=module-typescript", "--eval"],
  python: ["python3", "-B", "-c"],
} as const;

/** How the examples of bots get an option more. */
const optionsIn = {
  ts: (example: string, publicKey: string, seconds: number) =>
    example.replace(
      'symbol: "ES",',
      `$& publicKeys: ["${publicKey}"], openWithinMs: ${seconds * 1_000},`,
    ),
  python: (example: string, publicKey: string, seconds: number) =>
    example.replace(
      '"symbol": "ES"}',
      `"symbol": "ES", "public_keys": ["${publicKey}"], "open_within_seconds": ${seconds}}`,
    ),
};

/** An example of a bot, with a public key pinned, and so much time for the opening. */
export function runPinned(
  language: keyof typeof optionsIn,
  url: string,
  publicKey: string,
  openWithinSeconds: number,
): Promise<string> {
  return runExample(language, url, (example) =>
    optionsIn[language](example, publicKey, openWithinSeconds),
  );
}

/**
 * Runs the first example of a language in `docs/bots.md` as it stands there, but for the address.
 *
 * @param change to make to it before
 * @returns what it printed, errors included
 */
export async function runExample(
  language: keyof typeof commands,
  url: string,
  change = (example: string) => example,
): Promise<string> {
  const page = readFileSync(join(root, "docs/bots.md"), "utf8");
  const [, example] = page.match(new RegExp(`^\`\`\`${language}\n(.*?)^\`\`\``, "ms")) ?? [];
  if (example === undefined) throw new Error(`docs/bots.md has no example in ${language}`);
  const [command, ...options] = commands[language];
  const child = endsWithRun(
    spawn(command, [...options, change(example.replaceAll("http://127.0.0.1:3000", url))], {
      cwd: root,
      env: { ...env, PYTHONPATH: "clients/python" },
    }),
  );
  let printed = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      printed += chunk;
    });
  }
  await once(child, "close");
  return printed;
}
