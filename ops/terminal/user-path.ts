import { resolve } from "node:path";
import type { Variables } from "./variables.ts";

/**
 * A path as the user means it: npm runs a script in the folder of the project, and says in INIT_CWD
 * where the user is.
 */
export function userPath(path: string, { INIT_CWD }: Variables): string {
  return INIT_CWD ? resolve(INIT_CWD, path) : path;
}
