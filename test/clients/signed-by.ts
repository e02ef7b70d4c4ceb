import { signatureHeaders } from "../../lambdas/http/sign-answer.ts";
import type { SigningKey } from "../../lambdas/http/signing-keys.ts";

/**
 * The headers of an answer with 200 to a POST, as the service signs it.
 *
 * @param text the request's; without a nonce in it nothing is signed
 */
export function signedBy(
  keys: readonly SigningKey[],
  path: string,
  text: string,
  body: string,
  createdMs = Date.now(),
): Record<string, string> {
  const { nonce } = JSON.parse(text);
  if (nonce === undefined) return {};
  const asked = { method: "POST", path, body: Buffer.from(text), nonce };
  return signatureHeaders({ statusCode: 200, body }, asked, keys, createdMs);
}
