import { randomBytes } from "node:crypto";
import { privateKeyPrefix, readSigningKeys } from "../../lambdas/http/signing-keys.ts";

type SigningKeyPair = { private_key: string; public_key: string; key_id: string };

/**
 * Creates a key pair for signed answers, in the formats that the service and its clients accept.
 */
export function createSigningKey(): SigningKeyPair {
  const privateKey = privateKeyPrefix + randomBytes(32).toString("base64url");
  const [{ publicKeyText = "", keyId = "" } = {}] = readSigningKeys(privateKey);
  return { private_key: privateKey, public_key: publicKeyText, key_id: keyId };
}
