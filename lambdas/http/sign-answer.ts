import { hash, sign } from "node:crypto";
import type { SigningKey } from "./signing-keys.ts";

// HTTP Message Signatures: https://www.rfc-editor.org/rfc/rfc9421
// Digest Fields: https://www.rfc-editor.org/rfc/rfc9530

/** The request that an answer is bound to. */
export type SignedRequest = {
  method: string;
  path: string;
  /** The bytes of the body as they were received. */
  body: Uint8Array;
  /** Printable ASCII. */
  nonce: string;
};

type UnsignedAnswer = { statusCode: number; body: string };

const components =
  '("@status" "content-digest" "@method";req "@path";req "content-digest";req)' as const;

/**
 * The headers that prove to a client that the service gave this answer to this very request. Each
 * key adds a signature with its own label.
 *
 * @param createdMs epoch milliseconds
 */
export function signatureHeaders(
  answer: UnsignedAnswer,
  request: SignedRequest,
  keys: readonly SigningKey[],
  createdMs: number,
): Record<string, string> {
  const answerDigest = contentDigest(answer.body);
  const covered = [
    `"@status": ${answer.statusCode}`,
    `"content-digest": ${answerDigest}`,
    `"@method";req: ${request.method}`,
    `"@path";req: ${request.path}`,
    `"content-digest";req: ${contentDigest(request.body)}`,
  ];
  const created = Math.floor(createdMs / 1000);
  const nonce = request.nonce.replace(/["\\]/g, "\\$&");
  const signatures = keys.map(({ privateKey, keyId }, index) => {
    const label = `sig${index + 1}`;
    const input = `${components};created=${created};keyid="${keyId}";nonce="${nonce}";alg="ed25519"`;
    const base = [...covered, `"@signature-params": ${input}`].join("\n");
    const signature = sign(null, Buffer.from(base), privateKey).toString("base64");
    return { input: `${label}=${input}`, signature: `${label}=:${signature}:` };
  });
  return {
    "content-digest": answerDigest,
    "signature-input": signatures.map(({ input }) => input).join(", "),
    signature: signatures.map(({ signature }) => signature).join(", "),
  };
}

function contentDigest(body: string | Uint8Array): string {
  return `sha-256=:${hash("sha256", body, "base64")}:`;
}
