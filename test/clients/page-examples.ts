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

/** Where a bot's options can take more, and how they are written. */
const options = {
  ts: (publicKey: string) => ['symbol: "ES",', `publicKeys: ["${publicKey}"], openWithinMs: 6e5,`],
  python: (publicKey: string) => [
    '"symbol": "ES"',
    `, "public_keys": ["${publicKey}"], "open_within_seconds": 600`,
  ],
};

/** A bot of the page with a public key pinned, and ten minutes for the opening. */
export function runPinned(language: keyof typeof options, url: string, publicKey: string) {
  const [symbol = "", more] = options[language](publicKey);
  return runExample(language, url, (example) => example.replace(symbol, `${symbol}${more}`));
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
  const [command, ...words] = commands[language];
  const child = endsWithRun(
    spawn(command, [...words, change(example.replaceAll("http://127.0.0.1:3000", url))], {
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
