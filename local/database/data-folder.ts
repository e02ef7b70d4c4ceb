import { existsSync } from "node:fs";
import { chmod, mkdir, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CommandError } from "../../command-line/command-error.ts";

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

/**
 * What is wrong with DATA_DIR and what to do, in a sentence.
 *
 * @param error of the file system, or of the database that is kept there
 * @returns undefined if it is something else
 */
export function dataProblem(error: unknown, dataFolder: string): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const code = "code" in error ? error.code : undefined;
  if (code === "ENOSPC" || /No space left on device/.test(error.message)) {
    return `The disk of DATA_DIR ${dataFolder} is full: free some space, or set DATA_DIR to a folder on another disk.`;
  }
  if (code === "EACCES" || code === "EPERM") {
    return `DATA_DIR ${dataFolder} can't be used: permission denied. Set DATA_DIR to a folder that you may write to.`;
  }
  // Which part of it finds the database closed first depends on the machine's speed.
  if (code === "LEVEL_DATABASE_NOT_OPEN" || code === "LEVEL_ITERATOR_NOT_OPEN") {
    return `The data in DATA_DIR ${dataFolder} can't be opened, most likely because another "npm start" is using it. Stop that one, or set DATA_DIR to another folder.`;
  }
  return undefined;
}

/** Not `mkdir`'s own `recursive`, which never returns where nothing can be made, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return;
  await makeFolder(dirname(path));
  await mkdir(path, 0o700).catch((error: NodeJS.ErrnoException) => {
    // Another start may make it at the same moment.
    if (error.code !== "EEXIST") throw error;
  });
}
