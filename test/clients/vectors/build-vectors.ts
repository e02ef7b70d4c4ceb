import { createHash, sign } from "node:crypto";
import { signatureHeaders } from "../../../lambdas/http/sign-answer.ts";
import {
  privateKeyPrefix,
  readSigningKeys,
  type SigningKey,
} from "../../../lambdas/http/signing-keys.ts";

/** What a client says of an answer that it can't take, in the order in which it looks. */
const problems = [
  /** There is no `signature-input` or no `signature`. */
  "answer_unsigned",
  /** They are not what RFC 9421 describes. */
  "answer_signature_unreadable",
  /** No signature is by a pinned key. */
  "answer_of_another_key",
  "answer_nonce_wrong",
  /** `content-digest` is not that of the body. */
  "answer_digest_wrong",
  /** It does not cover what the service covers, or is of another algorithm, or has no `created`. */
  "answer_signature_incomplete",
  "answer_signature_wrong",
  /** `created` is no moment at which this request can have been answered. */
  "answer_time_wrong",
] as const;

export type VectorRequest = { method: string; path: string; body: string; nonce: string };
export type VectorAnswer = { status: number; headers: Record<string, string>; body: string };

export type Vector = {
  guarantee: string;
  /** Pinned in the client. */
  public_keys: string[];
  request: VectorRequest;
  /**
   * The epoch seconds, both included, at which the request can have been answered as far as the
   * client knows. Absent as long as it has verified no answer.
   */
  created_between?: [number, number];
  answer: VectorAnswer;
  /** Absent: the answer is verified. */
  problem?: (typeof problems)[number];
};

const created = 1_750_000_000;
const nonce = "q3Jv0b1nUeWk8mXo2sYh7A";
const olderNonce = "Zk9yTg4cQnWl5dRe6xPa1B";

const service = testKey("service");
const next = testKey("next");
const other = testKey("other");

const license = { license_key: "LIC-VECTOR-1", device_fingerprint: "büro-rechner-7f3a" };
const claim = requestTo("/api/validate-license", {
  ...license,
  symbol: "ES",
  claim_id: "2f1c7a52-6c1e-4a7e-9d3b-0a54f9d1c001",
});
const beat = requestTo("/api/heartbeat", {
  ...license,
  symbol: "ES",
  session_id: "2f1c7a52-6c1e-4a7e-9d3b-0a54f9d1c001",
});

const granted = {
  status: 200,
  body: JSON.stringify({
    code: "granted",
    message: "The session is yours.",
    license_valid: true,
    session_conflict: false,
    license_type: "standard",
    expiry_date: null,
    symbol: "ES",
    active_symbols: ["ES"],
    session_timeout_seconds: 60,
    heartbeat_interval_seconds: 20,
    session_id: "2f1c7a52-6c1e-4a7e-9d3b-0a54f9d1c001",
    fencing_token: 7,
  }),
};
const recorded = {
  status: 200,
  body: JSON.stringify({
    status: "success",
    code: "recorded",
    message: "The heartbeat is recorded.",
    license_valid: true,
    session_conflict: false,
    symbol: "ES",
    active_symbols: ["ES"],
    license_expiration: null,
    days_until_expiration: null,
    hours_until_expiration: null,
    session_timeout_seconds: 60,
  }),
};
const heldElsewhere = {
  status: 403,
  body: JSON.stringify({
    license_valid: false,
    session_conflict: true,
    code: "session_conflict",
    message:
      "The license is fine, but it is in use on another device (büro-r...). Try again in 41 s.",
    active_device: "büro-r...",
    estimated_wait_seconds: 41,
    symbol: "ES",
  }),
};
const suspended = {
  status: 403,
  body: JSON.stringify({
    status: "error",
    license_valid: false,
    code: "license_suspended",
    message: "The license is suspended. Ask whoever issued it.",
  }),
};
const failed = {
  status: 500,
  body: JSON.stringify({
    status: "error",
    session_conflict: false,
    code: "internal_error",
    message: "The service could not do this now; nothing is confirmed. Try again.",
    request_id: "6a0f4b0e-3b0c-4f57-8f0e-1d3c5b7a9e00",
  }),
};
const unreadable = {
  status: 400,
  body: JSON.stringify({
    status: "error",
    code: "bad_request",
    message: "bot_version must be at most 64 characters",
    field: "bot_version",
  }),
};

/** What both clients must make of an answer when they have public keys. */
export function buildVectors() {
  return {
    about:
      "Signed answers (RFC 9421, RFC 9530, Ed25519) and what is made of them. An answer counts as " +
      "verified if it has no `problem`; else that is the first one, in the order of `problems`. The " +
      "private keys are for tests only.",
    problems,
    keys: Object.fromEntries(
      Object.entries({ service, next, other }).map(([name, { key, privateText }]) => [
        name,
        { keyid: key.keyId, public_key: key.publicKeyText, private_key: privateText },
      ]),
    ),
    cases: cases(),
  };
}

function cases(): Vector[] {
  const signedGranted = answerOf(granted, claim);
  const signedRecorded = answerOf(recorded, beat);
  const { signature: _signature, ...withoutSignature } = signedGranted.headers;
  const { "content-digest": _digest, ...withoutDigest } = signedGranted.headers;
  const otherSession = requestTo("/api/heartbeat", {
    license_key: "LIC-OF-THE-FORGER",
    device_fingerprint: "forger",
    session_id: "mine",
  });
  const check = requestTo("/api/validate-license", { ...license, check_only: true });
  const quoted = { ...beat, ...withNonce(beat, 'a "quoted\\" nonce; of=1, (x)') };

  return [
    vector("a granted claim", claim, signedGranted),
    vector("a recorded heartbeat", beat, signedRecorded),
    vector("a claim refused because of another device", claim, answerOf(heldElsewhere, claim)),
    vector("a heartbeat on a suspended license", beat, answerOf(suspended, beat)),
    vector("a failure of the service", beat, answerOf(failed, beat)),
    vector("a request that could not be read", beat, answerOf(unreadable, beat)),
    vector(
      "a nonce with characters that a structured field escapes",
      quoted,
      answerOf(recorded, quoted),
    ),
    vector(
      "a rotation: signed by two keys, of which the second is pinned",
      beat,
      answerOf(recorded, beat, [service.key, next.key]),
      { public_keys: [next.key.publicKeyText] },
    ),
    vector("a rotation: two pinned keys, of which the second has signed", beat, signedRecorded, {
      public_keys: [next.key.publicKeyText, service.key.publicKeyText],
    }),
    vector(
      "a signature that a proxy added for itself is none of the client's business",
      beat,
      withHeaders(signedRecorded, (headers) => ({
        ...headers,
        "signature-input": `proxy=("@authority";req "date";bs);created=1;keyid="p";tag="edge";expires=2;x=?1;y=:AA==:;z=token/1, ${headers["signature-input"]}`,
        signature: `proxy=:AAAA:, ${headers.signature}`,
      })),
    ),
    vector("headers that were joined without space", beat, {
      ...answerOf(recorded, beat, [service.key, next.key]),
      headers: joinedWithoutSpace(answerOf(recorded, beat, [service.key, next.key]).headers),
    }),
    vector("created at the earliest moment there can be", beat, signedRecorded, {
      created_between: [created, created + 9],
    }),
    vector("created at the latest moment there can be", beat, signedRecorded, {
      created_between: [created - 9, created],
    }),

    vector(
      "a fake server of three lines that grants",
      claim,
      { status: 200, headers: { "content-type": "application/json" }, body: granted.body },
      { problem: "answer_unsigned" },
    ),
    vector(
      "a captive portal",
      claim,
      { status: 200, headers: { "content-type": "text/html" }, body: "<html>Log in</html>" },
      { problem: "answer_unsigned" },
    ),
    vector(
      "API Gateway by itself",
      beat,
      {
        status: 503,
        headers: { "content-type": "application/json" },
        body: '{"message":"Service Unavailable"}',
      },
      { problem: "answer_unsigned" },
    ),
    vector(
      "a downgraded answer: the signature was taken off",
      claim,
      { ...signedGranted, headers: withoutSignature },
      { problem: "answer_unsigned" },
    ),
    vector(
      "signature headers that are no structured fields",
      claim,
      withHeaders(signedGranted, (headers) => ({
        ...headers,
        "signature-input": "sig1=yes; please(",
      })),
      { problem: "answer_signature_unreadable" },
    ),
    vector(
      "a signature that is no base64",
      claim,
      withHeaders(signedGranted, (headers) => ({ ...headers, signature: "sig1=:*#!:" })),
      { problem: "answer_signature_unreadable" },
    ),
    vector(
      "a signature under another label",
      claim,
      withHeaders(signedGranted, (headers) => ({
        ...headers,
        signature: headers.signature?.replace("sig1", "sig9") ?? "",
      })),
      { problem: "answer_signature_unreadable" },
    ),
    vector(
      "a signature that doesn't say when it was made",
      beat,
      answerOf(recorded, beat, [service.key], { parameters: withoutCreated }),
      { problem: "answer_signature_incomplete" },
    ),
    vector("another key", claim, answerOf(granted, claim, [other.key]), {
      problem: "answer_of_another_key",
    }),
    vector(
      "a downgraded answer: another algorithm",
      claim,
      answerOf(granted, claim, [service.key], {
        parameters: (all) => all.replace("ed25519", "hmac-sha256"),
      }),
      { problem: "answer_signature_incomplete" },
    ),
    vector(
      "a downgraded answer: the status is not covered",
      claim,
      answerOf(granted, claim, [service.key], {
        components: [`"content-digest"`, `"@method";req`, `"@path";req`, `"content-digest";req`],
      }),
      { problem: "answer_signature_incomplete" },
    ),
    vector(
      "a downgraded answer: the request is not covered",
      claim,
      answerOf(granted, claim, [service.key], { components: [`"@status"`, `"content-digest"`] }),
      { problem: "answer_signature_incomplete" },
    ),
    vector(
      "yesterday's granted, played again: its nonce is an old one",
      claim,
      answerOf(granted, withNonce(claim, olderNonce)),
      { problem: "answer_nonce_wrong" },
    ),
    vector(
      "a cache: the answer to the heartbeat before",
      beat,
      answerOf(recorded, withNonce(beat, olderNonce)),
      { problem: "answer_nonce_wrong" },
    ),
    vector(
      "a signature without nonce",
      beat,
      answerOf(recorded, beat, [service.key], {
        parameters: (all) => all.replace(/;nonce="[^"]*"/, ""),
      }),
      { problem: "answer_nonce_wrong" },
    ),
    vector(
      "a proxy that edits the body",
      beat,
      { ...answerOf(suspended, beat), body: recorded.body },
      { problem: "answer_digest_wrong" },
    ),
    vector(
      "an answer without digest",
      claim,
      { ...signedGranted, headers: withoutDigest },
      { problem: "answer_digest_wrong" },
    ),
    vector(
      "a proxy that edits the body and makes its digest anew",
      beat,
      withHeaders({ ...answerOf(suspended, beat), body: recorded.body }, (headers) => ({
        ...headers,
        "content-digest": digestOf(recorded.body),
      })),
      { problem: "answer_signature_wrong" },
    ),
    vector(
      "the signed recorded of another session, which was asked for with this nonce",
      beat,
      answerOf(recorded, withNonce(otherSession, nonce)),
      { problem: "answer_signature_wrong" },
    ),
    vector(
      "the same body under another status",
      beat,
      { ...answerOf({ ...suspended, status: 500 }, beat), status: 403 },
      { problem: "answer_signature_wrong" },
    ),
    vector(
      "an answer to the same body on another path",
      claim,
      answerOf(granted, { ...claim, path: "/api/heartbeat" }),
      { problem: "answer_signature_wrong" },
    ),
    vector("an answer to another method", claim, answerOf(granted, { ...claim, method: "PUT" }), {
      problem: "answer_signature_wrong",
    }),
    vector("an answer to a check, for a claim", claim, answerOf(granted, withNonce(check, nonce)), {
      problem: "answer_signature_wrong",
    }),
    vector(
      "another key that calls itself by the name of the pinned one",
      claim,
      answerOf(granted, claim, [{ ...other.key, keyId: service.key.keyId }]),
      { problem: "answer_signature_wrong" },
    ),
    vector("created too early", beat, signedRecorded, {
      created_between: [created + 1, created + 9],
      problem: "answer_time_wrong",
    }),
    vector("created too late", beat, signedRecorded, {
      created_between: [created - 9, created - 1],
      problem: "answer_time_wrong",
    }),
  ];
}

function vector(
  guarantee: string,
  request: VectorRequest,
  answer: VectorAnswer,
  rest: Partial<Pick<Vector, "public_keys" | "created_between" | "problem">> = {},
): Vector {
  const { public_keys = [service.key.publicKeyText], ...others } = rest;
  return { guarantee, public_keys, request, answer, ...others };
}

function requestTo(path: string, body: Record<string, unknown>): VectorRequest {
  return { method: "POST", path, body: JSON.stringify({ ...body, nonce }), nonce };
}

function withNonce(request: VectorRequest, other: string): VectorRequest {
  const body = JSON.stringify({ ...JSON.parse(request.body), nonce: other });
  return { ...request, body, nonce: other };
}

type Downgrade = { components?: string[]; parameters?: (all: string) => string };

/** An answer as the service signs it, or as it never would. */
function answerOf(
  { status, body }: { status: number; body: string },
  request: VectorRequest,
  keys: SigningKey[] = [service.key],
  downgrade?: Downgrade,
): VectorAnswer {
  const signed = signatureHeaders(
    { statusCode: status, body },
    { ...request, body: Buffer.from(request.body) },
    keys,
    created * 1000,
  );
  const headers = { "content-type": "application/json", ...signed };
  const answer = { status, headers, body };
  return downgrade ? signAgain(answer, request, keys, downgrade) : answer;
}

function signAgain(
  answer: VectorAnswer,
  request: VectorRequest,
  keys: SigningKey[],
  { components, parameters = (all) => all }: Downgrade,
): VectorAnswer {
  const input = answer.headers["signature-input"] ?? "";
  const [, all = "", rest = ""] = /^sig1=\((.*)\)(;created.*)$/.exec(input) ?? [];
  const covered = components ?? all.split(" ");
  const values: Record<string, string | number> = {
    '"@status"': answer.status,
    '"content-digest"': digestOf(answer.body),
    '"@method";req': request.method,
    '"@path";req': request.path,
    '"content-digest";req': digestOf(request.body),
  };
  const params = `(${covered.join(" ")})${parameters(rest)}`;
  const lines = covered.map((name) => `${name}: ${values[name]}`);
  const base = [...lines, `"@signature-params": ${params}`].join("\n");
  const [key] = keys;
  if (!key) throw new Error("No key to sign with");
  const signature = sign(null, Buffer.from(base), key.privateKey).toString("base64");
  return withHeaders(answer, (headers) => ({
    ...headers,
    "signature-input": `sig1=${params}`,
    signature: `sig1=:${signature}:`,
  }));
}

function withoutCreated(parameters: string): string {
  return parameters.replace(/;created=\d+/, "");
}

function withHeaders(
  answer: VectorAnswer,
  change: (headers: Record<string, string>) => Record<string, string>,
): VectorAnswer {
  return { ...answer, headers: change(answer.headers) };
}

function joinedWithoutSpace(headers: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, value.replaceAll(", sig2", ",sig2")]),
  );
}

function digestOf(body: string): string {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

/** The same key every time, from its name. */
function testKey(name: string): { key: SigningKey; privateText: string } {
  const seed = createHash("sha256").update(`a key for tests: ${name}`).digest("base64url");
  const privateText = privateKeyPrefix + seed;
  const [key] = readSigningKeys(privateText);
  if (!key) throw new Error(`No key ${name}`);
  return { key, privateText };
}
