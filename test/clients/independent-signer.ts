import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign } from "node:crypto";

/** A pair as the service has one, made of a seed so that it is the same each time. */
export function signingKey(seedByte: number) {
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b657004220420", "hex"),
    Buffer.alloc(32, seedByte),
  ]);
  const privateKey = createPrivateKey({ key: der, format: "der", type: "pkcs8" });
  const { x = "" } = createPublicKey(privateKey).export({ format: "jwk" });
  const jwk = `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`;
  const keyId = createHash("sha256").update(jwk).digest("base64url");
  return { privateKey, publicKey: `ed25519:${x}`, keyId };
}

export type SigningKey = ReturnType<typeof signingKey>;

export type Signable = {
  status: number;
  body: string;
  path: string;
  requestBody: string;
  nonce: string;
  createdSeconds: number;
  keys: readonly SigningKey[];
};

const covered = '("@status" "content-digest" "@method";req "@path";req "content-digest";req)';

/** The headers with which the service signs an answer, by RFC 9421 and 9530. */
export function signAnswer(answer: Signable): Record<string, string> {
  const digest = digestOf(answer.body);
  const signatures = answer.keys.map(({ privateKey, keyId }, index) => {
    const { createdSeconds, nonce } = answer;
    const input = `${covered};created=${createdSeconds};keyid="${keyId}";nonce="${nonce}";alg="ed25519"`;
    const base = [
      `"@status": ${answer.status}`,
      `"content-digest": ${digest}`,
      `"@method";req: POST`,
      `"@path";req: ${answer.path}`,
      `"content-digest";req: ${digestOf(answer.requestBody)}`,
      `"@signature-params": ${input}`,
    ].join("\n");
    return { label: `sig${index + 1}`, input, signature: signed(base, privateKey) };
  });
  return {
    "content-digest": digest,
    "signature-input": signatures.map(({ label, input }) => `${label}=${input}`).join(", "),
    signature: signatures.map(({ label, signature }) => `${label}=:${signature}:`).join(", "),
  };
}

function signed(text: string, key: KeyObject): string {
  return sign(null, Buffer.from(text), key).toString("base64");
}

function digestOf(text: string): string {
  return `sha-256=:${createHash("sha256").update(text).digest("base64")}:`;
}
