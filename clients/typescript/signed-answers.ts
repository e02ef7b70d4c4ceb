import { type Bytes, bytesOfBase64, type Cryptography } from "./cryptography.ts";
import type { PinnedKeys } from "./public-key.ts";
import type { Answer, Runtime } from "./runtime.ts";

/** Why an answer is not accepted as the service's. It then neither confirms nor ends anything. */
type SignatureProblem =
  | "answer_unsigned"
  /** None of its signatures names a pinned key. */
  | "answer_of_another_key"
  /** The nonce belongs to another request. */
  | "answer_nonce_wrong"
  | "answer_digest_wrong"
  /** The signature is not written as the service writes it, or covers something else. */
  | "answer_signature_unreadable"
  | "answer_signature_wrong"
  /** It is dated before the request was sent or after the answer arrived. */
  | "answer_time_wrong";

/** What the service signs: with less, a signature could be used for another status or request. */
const covered = '("@status" "content-digest" "@method";req "@path";req "content-digest";req)';

/** Functions fail if their clock is off by 2 s, `created` has whole seconds, and clocks drift. */
const createdToleranceMs = 6_000;

/** The request that an answer must belong to. */
type Asked = {
  nonce: string;
  path: string;
  /** The body as it was sent. */
  text: string;
  /**
   * The range of times, by the service's clock, at which the answer can have been made; inclusive.
   */
  createdBetweenMs: readonly [number, number];
};

type Verified = {
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
          nonce,
          path: basePath + path,
          text: sentText,
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
 *
 * Nothing is parsed but the label and the time: the one form in which the service signs is built
 * anew, and looked for. Signatures of others beside it do not matter.
 */
export async function verifyAnswer(
  { status, headers, text }: Answer,
  asked: Asked,
  keys: PinnedKeys,
  cryptography: Cryptography,
): Promise<Verified> {
  const { "signature-input": inputs, signature: signatures, "content-digest": digest } = headers;
  if (!inputs || !signatures) return { problem: "answer_unsigned" };
  const [keyId, isSigned] = [...keys].find(([id]) => inputs.includes(`;keyid="${id}"`)) ?? [];
  if (keyId === undefined || !isSigned) return { problem: "answer_of_another_key" };
  const nonce = `;nonce="${asked.nonce.replace(/["\\]/g, "\\$&")}"`;
  if (!inputs.includes(nonce)) return { problem: "answer_nonce_wrong" };
  if (digest !== (await digestOf(text))) return { problem: "answer_digest_wrong" };

  const rest = `;keyid="${keyId}"${nonce};alg="ed25519"`;
  const [, label, input, created] =
    member(`(sig\\d+)=(${literal(`${covered};created=`)}(\\d{1,12})${literal(rest)})`, inputs) ??
    [];
  const [, base64 = ""] = member(`${label}=:([A-Za-z0-9+/]{86}==):`, signatures) ?? [];
  const signature = bytesOfBase64(base64);
  if (!input || signature?.length !== 64) return { problem: "answer_signature_unreadable" };
  const base = [
    `"@status": ${status}`,
    `"content-digest": ${digest}`,
    `"@method";req: POST`,
    `"@path";req: ${asked.path}`,
    `"content-digest";req: ${await digestOf(asked.text)}`,
    `"@signature-params": ${input}`,
  ].join("\n");
  if (!(await isSigned(signature, new TextEncoder().encode(base))))
    return { problem: "answer_signature_wrong" };

  const createdMs = Number(created) * 1_000;
  const [earliestMs, latestMs] = asked.createdBetweenMs;
  const isInTime = createdMs >= earliestMs && createdMs <= latestMs;
  return { problem: isInTime ? undefined : "answer_time_wrong", createdMs };

  async function digestOf(text: string): Promise<string> {
    const bytes: Bytes = await cryptography.sha256(new TextEncoder().encode(text));
    return `sha-256=:${btoa(String.fromCharCode(...bytes))}:`;
  }
}

/** Finds a member of a list: proxies may have added their own, and joined the lines of a header. */
function member(pattern: string, field: string): RegExpExecArray | null {
  return new RegExp(`(?:^|,)[ \\t]*${pattern}[ \\t]*(?=,[ \\t]*[a-z*]|$)`).exec(field);
}

/** A pattern for this very text. */
function literal(text: string): string {
  return text.replace(/[^\w]/g, "\\$&");
}
