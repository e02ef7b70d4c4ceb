import { chmod, mkdir, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CommandError } from "../../command-line/command-error.ts";
import { dataProblem } from "./data-problem.ts";

/** More than a start writes. */
const neededBytes = 16 * 1024 * 1024;

/**
 * Makes a folder in DATA_DIR, unless it is there, that nobody but this user can look into.
 *
 * @returns its path
 * @throws CommandError if it can't be had, or its disk is full
 */
export async function makeDataFolder(dataFolder: string, name: string): Promise<string> {
  const path = resolve(dataFolder, name);
  try {
    await makeFolder(path);
    await chmod(path, 0o700);
    const { bavail, bsize } = await statfs(path);
    if (bavail * bsize < neededBytes) throw Object.assign(new Error(), { code: "ENOSPC" });
  } catch (error) {
    throw new CommandError(
      dataProblem(error, dataFolder) ??
        `DATA_DIR ${dataFolder} can't be used (${error}). Set DATA_DIR to another folder.`,
    );
  }
  return path;
}

/** Not `mkdir`'s own `recursive`, which tries for ever where nothing can be made, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  try {
    await makeUnlessThere(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    await makeFolder(dirname(path));
    await makeUnlessThere(path);
  }
}

/** Another start may make it at the same moment. */
async function makeUnlessThere(path: string): Promise<void> {
  try {
    await mkdir(path, 0o700);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
