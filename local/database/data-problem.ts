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
