import { createPrivateKey, createPublicKey, hash, type KeyObject } from "node:crypto";

/** A key that the service signs its answers with. */
export type SigningKey = {
  privateKey: KeyObject;
  /** The thumbprint of the public key (RFC 7638). Clients find the matching signature by it. */
  keyId: string;
  /** The form that clients accept: `ed25519:` and the 32 bytes in base64url. */
  publicKeyText: string;
};

export const privateKeyPrefix = "ed25519-private:";

/** The PKCS #8 prefix of a 32-byte seed (RFC 8410, section 7). */
const pkcs8Head = Buffer.from("302e020100300506032b657004220420", "hex");

/**
 * Reads the value of `SIGNING_KEYS`: one key, or two during a rotation, with space between.
 *
 * @returns no keys if the text is empty: answers are then not signed
 * @throws Error that says which key can't be read, without quoting it
 */
export function readSigningKeys(text: string): SigningKey[] {
  const words = text.split(/\s/).filter((word) => word !== "");
  if (words.length > 2) {
    throw new Error(
      `SIGNING_KEYS has ${words.length} keys. It takes one, or two during a rotation.`,
    );
  }
  const keys = words.map((word, index) => {
    const key = readSigningKey(word);
    if (key !== undefined) return key;
    const which = words.length === 1 ? "The key" : `Key ${index + 1} of ${words.length}`;
    throw new Error(
      `${which} in SIGNING_KEYS can't be read. It must be ${privateKeyPrefix} and 43 characters of ` +
        "base64url, as license signing-key create prints it.",
    );
  });
  if (keys.length === 2 && words[0] === words[1]) {
    throw new Error("SIGNING_KEYS has the same key twice. Keep one of them.");
  }
  return keys;
}

/** @returns undefined if the text is not a valid private key */
export function readSigningKey(text: string): SigningKey | undefined {
  const encoded = text.startsWith(privateKeyPrefix) ? text.slice(privateKeyPrefix.length) : "";
  const seed = Buffer.from(encoded, "base64url");
  // Buffer ignores characters that are not base64url, so the text must equal its own re-encoding.
  if (seed.length !== 32 || seed.toString("base64url") !== encoded) return undefined;
  return signingKeyOf(seed);
}

/**
 * Any 32 bytes are a key. What is made of them is made for the first request with a nonce, because
 * it takes a millisecond of a cold start.
 *
 * @param seed the 32 bytes of an Ed25519 private key (RFC 8032)
 */
function signingKeyOf(seed: Buffer): SigningKey {
  let made: SigningKey | undefined;
  const key = () => {
    made ??= keyOfSeed(seed);
    return made;
  };
  return {
    get privateKey() {
      return key().privateKey;
    },
    get keyId() {
      return key().keyId;
    },
    get publicKeyText() {
      return key().publicKeyText;
    },
  };
}

function keyOfSeed(seed: Buffer): SigningKey {
  const privateKey = createPrivateKey({
    key: Buffer.concat([pkcs8Head, seed]),
    format: "der",
    type: "pkcs8",
  });
  const { x } = createPublicKey(privateKey).export({ format: "jwk" });
  // The members in this order, without space: https://www.rfc-editor.org/rfc/rfc8037#appendix-A.3
  const keyId = hash("sha256", `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`, "base64url");
  return { privateKey, keyId, publicKeyText: `ed25519:${x}` };
}
