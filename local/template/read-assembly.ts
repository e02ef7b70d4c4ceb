import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { CommandError } from "../../engine/command-error.ts";
import { interpretTemplate, type LocalApp } from "./interpret-template.ts";

/**
 * Reads what `synthesize` wrote.
 *
 * @param folder absolute path of the assembly
 * @throws CommandError if it isn't one stack, or has something in it that can't be run here
 */
export async function readAssembly(folder: string): Promise<LocalApp> {
  const [name, ...others] = (await readdir(folder))
    .filter((file) => file.endsWith(".template.json"))
    .map((file) => file.slice(0, -".template.json".length));
  if (name === undefined || others.length > 0)
    throw new CommandError(`Expected one stack in ${folder}, found ${name ? "more" : "none"}.`);
  const readJson = async (file: string): Promise<unknown> =>
    JSON.parse(await readFile(join(folder, file), "utf8"));
  return interpretTemplate(
    await readJson(`${name}.template.json`),
    await readJson(`${name}.assets.json`),
    folder,
  );
}
