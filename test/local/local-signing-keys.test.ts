import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { localSigningKeys } from "../../local/local-signing-keys.ts";
import { CommandError } from "../../ops/terminal/command-error.ts";
import { buildVectors } from "../clients/vectors/build-vectors.ts";
import { tempFolder } from "./support/temp-folder.ts";

const { service, next } = buildVectors().keys;
if (!service || !next) throw new Error("The vectors have no keys");

test("without SIGNING_KEYS the data gets a key of its own, the same at each start", async () => {
  const folder = await tempFolder();
  const first = await localSigningKeys("", folder);
  expect(first.publicKeys).toEqual([expect.stringMatching(/^ed25519:[\w-]{43}$/)]);
  expect(await localSigningKeys("", folder)).toEqual(first);
  expect(await localSigningKeys("", await tempFolder())).not.toEqual(first);
});

test.skipIf(process.platform === "win32")("nobody else can read it", async () => {
  const folder = await tempFolder();
  await localSigningKeys("", folder);
  expect((await stat(join(folder, "signing-key"))).mode & 0o777).toBe(0o600);
});

test("SIGNING_KEYS come before it, two during a rotation", async () => {
  const text = `${service.private_key} ${next.private_key}`;
  const folder = await tempFolder();
  const publicKeys = [service.public_key, next.public_key];
  expect(await localSigningKeys(text, folder)).toEqual({ text, publicKeys });
  await expect(readFile(join(folder, "signing-key"))).rejects.toThrow("ENOENT");
});

test("SIGNING_KEYS that can't be read are refused without a word of them", async () => {
  const started = localSigningKeys(`${service.private_key}x`, await tempFolder());
  const error = await started.catch((error: unknown) => error);
  expect(error).toBeInstanceOf(CommandError);
  expect(String(error)).toContain("The key in SIGNING_KEYS can't be read.");
  expect(String(error)).not.toContain(service.private_key.slice(-20));
});

test("a stored key that can't be read is to be deleted", async () => {
  const folder = await tempFolder();
  const file = join(folder, "signing-key");
  for (const broken of ["", "half a key"]) {
    await writeFile(file, broken);
    await expect(localSigningKeys("", folder)).rejects.toThrow(
      `The signing key can't be read. Delete ${file}, and the next start makes a new one.`,
    );
  }
});
