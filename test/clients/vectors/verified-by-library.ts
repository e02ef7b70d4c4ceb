import { createPublicKey, hash, verify } from "node:crypto";
import { httpbis } from "http-message-signatures";
import type { VectorAnswer, VectorRequest } from "./build-vectors.ts";

type SignedExchange = {
  public_keys: readonly string[];
  request: Omit<VectorRequest, "nonce">;
  answer: Omit<VectorAnswer, "body">;
};

/** @returns null if there is no signature by one of the keys */
export async function verifiedByLibrary({
  public_keys,
  request,
  answer,
}: SignedExchange): Promise<boolean | null> {
  const keys = new Map(public_keys.map(namedKey));
  return httpbis.verifyMessage(
    {
      keyLookup: async ({ keyid }) => {
        const key = keyid === undefined ? undefined : keys.get(keyid);
        if (key === undefined) return null;
        return {
          algs: ["ed25519"],
          verify: async (base, signature) => verify(null, base, key, signature),
        };
      },
      requiredParams: ["created", "keyid", "alg"],
    },
    { status: answer.status, headers: answer.headers },
    {
      method: request.method,
      url: `https://license.example${request.path}`,
      headers: { "content-digest": `sha-256=:${hash("sha256", request.body, "base64")}:` },
    },
  );
}

function namedKey(text: string) {
  const x = text.slice("ed25519:".length);
  const keyId = hash("sha256", `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`, "base64url");
  const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
  return [keyId, key] as const;
}
