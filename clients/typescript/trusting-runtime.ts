import { platformCryptography } from "./cryptography.ts";
import { pinKeys } from "./public-key.ts";
import type { Runtime } from "./runtime.ts";
import type { SessionOptions } from "./session.ts";
import { withSignedAnswers } from "./signed-answers.ts";
import { baseUrl } from "./transport.ts";

/**
 * Returns the runtime unchanged or, with `publicKeys`, one that passes on only signed answers.
 *
 * @throws TypeError if a key is invalid
 * @throws Ed25519Missing if this platform can't verify signatures
 */
export async function trustingRuntime(
  { url, publicKeys }: SessionOptions,
  runtime: Runtime,
): Promise<Runtime> {
  if (!publicKeys) return runtime;
  const cryptography = platformCryptography();
  const keys = await pinKeys(publicKeys, cryptography);
  return withSignedAnswers(runtime, baseUrl(url).pathname, keys, cryptography);
}
