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

/** Why an answer is not accepted as the service's. It then neither confirms nor ends anything. */
export type SignatureProblem =
  | "answer_unsigned"
  | "answer_signature_unreadable"
  /** None of its signatures was made by a pinned key. */
  | "answer_of_another_key"
  /** The signature does not cover all of status, body and request. */
  | "answer_signature_incomplete"
  /** The nonce belongs to another request. */
  | "answer_nonce_wrong"
  | "answer_digest_wrong"
  | "answer_signature_wrong"
  /** It is dated before the request was sent or after the answer arrived. */
  | "answer_time_wrong";

/** Must be covered. Otherwise the signature could be reused for another status, body or request. */
const required = [
  '"@status"',
  '"content-digest"',
  '"@method";req',
  '"@path";req',
  '"content-digest";req',
];

/** Functions fail if their clock is off by 2 s, `created` has whole seconds, and clocks drift. */
const createdToleranceMs = 6_000;

/** The request that an answer must belong to. */
export type Asked = {
  nonce: string;
  path: string;
  /** The body as it was sent. */
  text: string;
  /**
   * The range of times, by the service's clock, at which the answer can have been made; inclusive.
   */
  createdBetweenMs: readonly [number, number];
};

export type Verified = {
  problem: SignatureProblem | undefined;
  /** By the service's clock, in whole seconds. Set if a pinned key has signed the answer. */
  createdMs?: number;
};

/**
 * Wraps a runtime so that it passes on only answers that a pinned key has signed for the very
 * request that was sent (RFC 9421, 9530).
 *
 * @param basePath the path of the service's address, with a trailing slash
 */
export function withSignedAnswers(
  runtime: Runtime,
  basePath: string,
  keys: PinnedKeys,
  cryptography: Cryptography,
): Runtime {
  /** The lead of the service's clock over `nowMs`: its least and greatest possible value. */
  let leadMs: readonly [number, number] = [-Infinity, Infinity];

  return {
    ...runtime,
    async exchange(path, text, untilMs, signal, mode) {
      const nonce = runtime.randomId();
      const sentText = JSON.stringify({ ...JSON.parse(text), nonce });
      const sentMs = runtime.nowMs();
      const exchange = await runtime.exchange(path, sentText, untilMs, signal, mode);
      if ("problem" in exchange) return exchange;
      const receivedMs = runtime.nowMs();
      const { problem, createdMs } = await verifyAnswer(
        exchange,
        {
          ...{ nonce, path: basePath + path, text: sentText },
          createdBetweenMs: [
            sentMs + leadMs[0] - createdToleranceMs,
            receivedMs + leadMs[1] + createdToleranceMs,
          ],
        },
        keys,
        cryptography,
      );
      // Updated by every signed answer, even one at a wrong time, because clocks drift and stand
      // still in a paused machine. The time of an internal_error is ignored: the function's clock
      // may be the cause.
      if (createdMs !== undefined && !exchange.text.includes('"code":"internal_error"'))
        leadMs = [createdMs - receivedMs, createdMs - sentMs];
      if (problem === undefined) return exchange;
      return { problem, cause: new Error(`HTTP ${exchange.status}`) };
    },
  };
}

/**
 * Whether a pinned key has signed this answer for this request; if not, the first problem found.
 */
export async function verifyAnswer(
  answer: Answer,
  asked: Asked,
  keys: PinnedKeys,
  cryptography: Cryptography,
): Promise<Verified> {
  const { "signature-input": inputField, signature: signatureField } = answer.headers;
  if (!inputField || !signatureField) return { problem: "answer_unsigned" };
  const inputs = parseSignatureInput(inputField);
  const signatures = parseByteSequences(signatureField);
  if (!inputs || !signatures) return { problem: "answer_signature_unreadable" };

  for (const [label, input] of inputs) {
    const isVerified = keys.get(String(input.parameters.get("keyid")));
    if (!isVerified) continue;
    const signature = signatures.get(label);
    if (!signature) return { problem: "answer_signature_unreadable" };
    if (input.parameters.get("nonce") !== asked.nonce) return { problem: "answer_nonce_wrong" };
    if (answer.headers["content-digest"] !== (await digestOf(answer.text)))
      return { problem: "answer_digest_wrong" };
    const signed = signedText(input, answer, asked.path, await digestOf(asked.text));
    if (!signed) return { problem: "answer_signature_incomplete" };
    if (!(await isVerified(Uint8Array.from(signature), new TextEncoder().encode(signed))))
      return { problem: "answer_signature_wrong" };
    const createdMs = Number(input.parameters.get("created")) * 1_000;
    const [earliestMs, latestMs] = asked.createdBetweenMs;
    const isInTime = createdMs >= earliestMs && createdMs <= latestMs;
    return { problem: isInTime ? undefined : "answer_time_wrong", createdMs };
  }
  return { problem: "answer_of_another_key" };

  async function digestOf(text: string): Promise<string> {
    const digest: Bytes = await cryptography.sha256(new TextEncoder().encode(text));
    return `sha-256=:${btoa(String.fromCharCode(...digest))}:`;
  }
}

function signedText(
  input: SignatureInput,
  { status, headers }: Answer,
  path: string,
  requestDigest: string,
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
