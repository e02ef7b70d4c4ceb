import {
  type Bytes,
  base64Url,
  bytesOfBase64,
  type Cryptography,
  type Verify,
} from "./cryptography.ts";

/** Verifiers by key id, which is the JWK thumbprint of the key (RFC 7638, 8037). */
export type PinnedKeys = ReadonlyMap<string, Verify>;

/**
 * Reads the keys that a program pins.
 *
 * @param keyTexts each `ed25519:` and the 32 bytes of a public key in base64url
 * @throws TypeError if a text is not such a key
 * @throws Ed25519Missing if this platform can't verify signatures
 */
export async function pinKeys(
  keyTexts: readonly string[],
  cryptography: Cryptography,
): Promise<PinnedKeys> {
  if (keyTexts.length === 0)
    throw new TypeError("publicKeys is empty: leave it out to accept unsigned answers");
  const keys = new Map<string, Verify>();
  for (const text of keyTexts) {
    const bytes = keyBytes(text);
    keys.set(await thumbprint(bytes, cryptography), await cryptography.verifierOf(bytes));
  }
  return keys;
}

function keyBytes(text: string): Bytes {
  const [, base64url = ""] = /^ed25519:([A-Za-z0-9_-]{43})$/.exec(text) ?? [];
  const bytes = bytesOfBase64(base64url.replaceAll("-", "+").replaceAll("_", "/"));
  if (bytes?.length === 32) return bytes;
  const shown = text.startsWith("ed25519-private:")
    ? "a private key, which belongs to the service alone"
    : JSON.stringify(text);
  throw new TypeError(`publicKeys must hold public keys (ed25519:BASE64URL), not ${shown}`);
}

async function thumbprint(publicKey: Bytes, cryptography: Cryptography): Promise<string> {
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${base64Url(publicKey)}"}`;
  return base64Url(await cryptography.sha256(new TextEncoder().encode(jwk)));
}
