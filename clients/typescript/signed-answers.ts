import type { Bytes, Cryptography } from "./cryptography.ts";
import {
  parseByteSequences,
  parseSignatureInput,
  type SignatureInput,
  type SignedMessage,
  signatureBase,
} from "./http-signature.ts";
import type { PinnedKeys } from "./public-key.ts";
import type { Answer, Runtime } from "./runtime.ts";

/** Why an answer is not taken for one of the service. Each is mere trouble: no right, and no end. */
export type SignatureProblem =
  | "answer_unsigned"
  | "answer_signature_unreadable"
  /** None of its signatures is of a pinned key. */
  | "answer_of_another_key"
  /** It covers less than status, body and request. */
  | "answer_signature_incomplete"
  /** It answers another request. */
  | "answer_nonce_wrong"
  | "answer_digest_wrong"
  | "answer_signature_wrong"
  /** It was made before it was asked for. */
  | "answer_too_old";

/** Must be covered: else the same signature could be put on another status, body or request. */
const required = [
  '"@status"',
  '"content-digest"',
  '"@method";req',
  '"@path";req',
  '"content-digest";req',
];

/** Functions refuse to work with a clock 2 s off, `created` has whole seconds, and clocks drift. */
const createdToleranceMs = 6_000;

/**
 * The same runtime, which lets no answer through but those that a pinned key has signed for the very
 * request that was sent (RFC 9421, 9530).
 *
 * @param basePath of the service's address, with a slash at its end
 */
export function withSignedAnswers(
  runtime: Runtime,
  basePath: string,
  keys: PinnedKeys,
  cryptography: Cryptography,
): Runtime {
  /** The least by which the service's clock is ahead of `nowMs`, by the answers so far. */
  let serviceLeadMs = -Infinity;

  return {
    ...runtime,
    async exchange(path, text, untilMs, signal) {
      const nonce = runtime.randomId();
      const sentText = JSON.stringify({ ...JSON.parse(text), nonce });
      const sentMs = runtime.nowMs();
      const exchange = await runtime.exchange(path, sentText, untilMs, signal);
      if ("problem" in exchange) return exchange;
      const receivedMs = runtime.nowMs();
      const earliestMs = sentMs + serviceLeadMs - createdToleranceMs;
      const outcome = await verify(exchange, {
        ...{ nonce, earliestMs, path: basePath + path },
        requestDigest: await digestOf(sentText),
      });
      if (typeof outcome === "string") {
        return { problem: outcome, cause: new Error(`HTTP ${exchange.status}`) };
      }
      serviceLeadMs = Math.max(serviceLeadMs, outcome.createdMs - receivedMs);
      return exchange;
    },
  };

  async function verify(
    answer: Answer,
    asked: { nonce: string; path: string; requestDigest: string; earliestMs: number },
  ): Promise<SignatureProblem | { createdMs: number }> {
    const { "signature-input": inputField, signature: signatureField } = answer.headers;
    if (!inputField || !signatureField) return "answer_unsigned";
    const inputs = parseSignatureInput(inputField);
    const signatures = parseByteSequences(signatureField);
    if (!inputs || !signatures) return "answer_signature_unreadable";

    for (const [label, input] of inputs) {
      const isVerified = keys.get(String(input.parameters.get("keyid")));
      const signature = signatures.get(label);
      if (!isVerified || !signature) continue;
      const signed = signedText(input, answer, asked);
      if (!signed) return "answer_signature_incomplete";
      if (input.parameters.get("nonce") !== asked.nonce) return "answer_nonce_wrong";
      if (answer.headers["content-digest"] !== (await digestOf(answer.text)))
        return "answer_digest_wrong";
      if (!(await isVerified(Uint8Array.from(signature), new TextEncoder().encode(signed))))
        return "answer_signature_wrong";
      const createdMs = Number(input.parameters.get("created")) * 1_000;
      return createdMs < asked.earliestMs ? "answer_too_old" : { createdMs };
    }
    return "answer_of_another_key";
  }

  async function digestOf(text: string): Promise<string> {
    const digest: Bytes = await cryptography.sha256(new TextEncoder().encode(text));
    return `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
  }
}

function signedText(
  input: SignatureInput,
  { status, headers }: Answer,
  { path, requestDigest }: { path: string; requestDigest: string },
): string | undefined {
  const { components, parameters } = input;
  const covered = new Set(components.map(({ text }) => text));
  if (!required.every((component) => covered.has(component))) return undefined;
  if (parameters.get("alg") !== "ed25519" || typeof parameters.get("created") !== "number")
    return undefined;
  const answer: SignedMessage = { derived: { "@status": String(status) }, headers };
  const request: SignedMessage = {
    derived: { "@method": "POST", "@path": path },
    headers: { "content-digest": requestDigest },
  };
  return signatureBase(input, answer, request);
}
