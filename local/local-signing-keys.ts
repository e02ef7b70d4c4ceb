import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { readSigningKeys } from "../lambdas/http/signing-keys.ts";
import { createSigningKey } from "../ops/data/create-signing-key.ts";
import { CommandError } from "../ops/terminal/command-error.ts";

/** `text` is the value of `SIGNING_KEYS` for the functions. */
type LocalSigningKeys = { text: string; publicKeys: string[] };

/**
 * The keys that local answers are signed with: the given ones or, if none are given, one that is
 * stored with the data, so that signed answers can be tried without creating a key.
 *
 * @param given the value of `SIGNING_KEYS`
 * @param dataFolder must exist
 * @throws CommandError, which does not quote the key, if one can't be read
 */
export async function localSigningKeys(
  given: string,
  dataFolder: string,
): Promise<LocalSigningKeys> {
  const file = join(dataFolder, "signing-key");
  const text = given || (await keptIn(file));
  try {
    const publicKeys = readSigningKeys(text).map(({ publicKeyText }) => publicKeyText);
    if (publicKeys.length > 0) return { text, publicKeys };
  } catch (error) {
    if (given && error instanceof Error) throw new CommandError(error.message);
  }
  const whatToDo = given ? "" : ` Delete ${file}, and the next start makes a new one.`;
  throw new CommandError(`The signing key can't be read.${whatToDo}`);
}

async function keptIn(file: string): Promise<string> {
  try {
    // Never overwrites an existing key, because bots may have pinned its public key.
    await writeFile(file, createSigningKey().private_key, { flag: "wx", mode: 0o600 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  return readFile(file, "utf8");
}
