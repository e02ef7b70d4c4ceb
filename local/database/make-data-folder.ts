import { mkdir } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CommandError } from "../../engine/command-error.ts";

/**
 * Makes a folder in DATA_DIR, unless it is there.
 *
 * @returns its path
 * @throws CommandError if it can't be had
 */
export async function makeDataFolder(dataFolder: string, name: string): Promise<string> {
  const path = resolve(dataFolder, name);
  await makeFolder(path).catch((error) => {
    throw new CommandError(`DATA_DIR ${dataFolder} can't be used (${error}).`);
  });
  return path;
}

/** Not `mkdir`'s own `recursive`, which tries for ever where nothing can be made, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  if (await isMade(path)) return;
  await makeFolder(dirname(path));
  if (!(await isMade(path))) throw new Error(`${path} can't be made`);
}

/** @returns false if its parent is not there */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return false;
    if (code !== "EEXIST") throw error;
  }
  return true;
}
