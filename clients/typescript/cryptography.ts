import { Ed25519Missing } from "./errors.ts";

export type Bytes = Uint8Array<ArrayBuffer>;

/** The platform's own SHA-256 and Ed25519. */
export type Cryptography = {
  sha256(bytes: Bytes): Bytes | Promise<Bytes>;
  /**
   * @param publicKey its 32 bytes
   * @throws Ed25519Missing, or TypeError if it is not a valid key
   */
  verifierOf(publicKey: Bytes): Promise<Verify>;
};

export type Verify = (signature: Bytes, signed: Bytes) => boolean | Promise<boolean>;

/** The part of Node.js that is used here. Browser types lack it. */
type NodeCrypto = {
  createHash(name: "sha256"): { update(bytes: Bytes): { digest(): Bytes } };
  createPublicKey(key: { format: "jwk"; key: object }): unknown;
  verify(algorithm: null, signed: Bytes, key: unknown, signature: Bytes): boolean;
};

/** Uses `node:crypto` in Node.js, where Ed25519 in WebCrypto prints an experimental warning. */
export function platformCryptography(): Cryptography {
  const { process } = globalThis as {
    process?: { getBuiltinModule?: (name: "node:crypto") => NodeCrypto | undefined };
  };
  const node = process?.getBuiltinModule?.("node:crypto");
  return node ? nodeCryptography(node) : webCryptography();
}

function nodeCryptography(node: NodeCrypto): Cryptography {
  return {
    sha256: (bytes) => node.createHash("sha256").update(bytes).digest(),
    async verifierOf(publicKey) {
      const jwk = { kty: "OKP", crv: "Ed25519", x: base64Url(publicKey) };
      const key = node.createPublicKey({ format: "jwk", key: jwk });
      return (signature, signed) => node.verify(null, signed, key, signature);
    },
  };
}

export function webCryptography(): Cryptography {
  return {
    sha256: async (bytes) => new Uint8Array(await subtle().digest("SHA-256", bytes)),
    async verifierOf(publicKey) {
      const key = await subtle()
        .importKey("raw", publicKey, "Ed25519", false, ["verify"])
        .catch((cause: unknown) => {
          if (cause instanceof Error && cause.name === "NotSupportedError")
            throw new Ed25519Missing("it has no Ed25519", { cause });
          throw cause;
        });
      return (signature, signed) => subtle().verify("Ed25519", key, signature, signed);
    },
  };
}

/** @throws Ed25519Missing */
function subtle(): typeof globalThis.crypto.subtle {
  if (!globalThis.crypto?.subtle)
    throw new Ed25519Missing("it has no WebCrypto, which pages get over https alone");
  return globalThis.crypto.subtle;
}

export function base64Url(bytes: Bytes): string {
  const base64 = btoa(String.fromCharCode(...bytes));
  return base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

export function bytesOfBase64(base64: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined;
  }
}
