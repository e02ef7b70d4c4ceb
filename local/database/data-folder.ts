import { existsSync } from "node:fs";
import { chmod, mkdir, statfs } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import { CommandError } from "../../ops/terminal/command-error.ts";

/** A start writes less than this. */
const neededBytes = 16 * 1024 * 1024;

/**
 * Creates a folder in DATA_DIR, if it is missing, that only this user can read.
 *
 * @returns its path
 * @throws CommandError if it can't be created, or its disk is full
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
 * Says what is wrong with DATA_DIR and what to do.
 *
 * @param error from the file system, or from the database that is kept there
 * @returns undefined if the error has another cause
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
  // Timing decides which part of the database notices first that it is closed.
  if (code === "LEVEL_DATABASE_NOT_OPEN" || code === "LEVEL_ITERATOR_NOT_OPEN") {
    return `The data in DATA_DIR ${dataFolder} can't be opened, most likely because another "npm start" is using it. Stop that one, or set DATA_DIR to another folder.`;
  }
  return undefined;
}

/** `mkdir` with `recursive` is no option: it hangs where creation is impossible, as in /proc. */
async function makeFolder(path: string): Promise<void> {
  if (existsSync(path)) return;
  await makeFolder(dirname(path));
  await mkdir(path, 0o700).catch((error: NodeJS.ErrnoException) => {
    // Another `npm start` may create it at the same moment.
    if (error.code !== "EEXIST") throw error;
  });
}
