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
  /** No signature names a pinned key. */
  "answer_of_another_key",
  "answer_nonce_wrong",
  /** `content-digest` is not that of the body. */
  "answer_digest_wrong",
  /** It is not written as the service writes it, to the letter, or covers something else. */
  "answer_signature_unreadable",
  "answer_signature_wrong",
  /** `created` is no moment at which this request can have been answered. */
  "answer_time_wrong",
] as const;

type Problem = (typeof problems)[number];

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
  problem?: Problem;
};

const created = 1_750_000_000;
const [nonce, olderNonce] = ["q3Jv0b1nUeWk8mXo2sYh7A", "Zk9yTg4cQnWl5dRe6xPa1B"];
const [service, next, other] = [testKey("service"), testKey("next"), testKey("other")];

const license = { license_key: "LIC-VECTOR-1", device_fingerprint: "büro-rechner-7f3a" };
const claim = requestTo("/api/validate-license", { ...license, run_id: nonce, claim_number: 1 });
const beat = requestTo("/api/heartbeat", { ...license, session_id: "2f1c7a52" });
const check = requestTo("/api/validate-license", { ...license, check_only: true });
const othersBeat = requestTo("/api/heartbeat", { ...license, session_id: "mine" });
const quoted = withNonce(beat, 'a "quoted\\" nonce; of=1, (x)');

const granted = answer(200, { code: "granted", session_id: "2f1c7a52", held_for_seconds: 55 });
const recorded = answer(200, { code: "recorded", message: "Erfaßt.", held_for_seconds: 55 });
const suspended = answer(403, { code: "license_suspended", license_valid: false });
const failed = answer(500, { code: "internal_error", request_id: "6a0f4b0e" });

const signedGranted = signed(granted, claim);
const signedRecorded = signed(recorded, beat);
const rotated = signed(recorded, beat, [service.key, next.key]);
const suspendedMadeRecorded = { ...signed(suspended, beat), body: recorded.body };

/** What every client must make of an answer when it has public keys. */
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
    cases: [...verified(), ...unsigned(), ...inAnotherForm(), ...ofAnotherRequest()],
  };
}

function verified(): Vector[] {
  const { publicKeyText } = next.key;
  return [
    vector("a granted claim", claim, signedGranted),
    vector("a recorded heartbeat", beat, signedRecorded),
    vector("a heartbeat on a suspended license", beat, signed(suspended, beat)),
    vector("a failure of the service", beat, signed(failed, beat)),
    vector("a nonce with characters that are escaped", quoted, signed(recorded, quoted)),
    vector("a rotation: signed by two keys, of which the second is pinned", beat, rotated, {
      public_keys: [publicKeyText],
    }),
    vector("a rotation: two pinned keys, of which the second has signed", beat, signedRecorded, {
      public_keys: [publicKeyText, service.key.publicKeyText],
    }),
    vector(
      "a signature that a proxy added for itself is none of the client's business",
      beat,
      edited(signedRecorded, {
        "signature-input": (all) =>
          `proxy=("@authority";req "date";bs);created=1;keyid="p";x, ${all}`,
        signature: (all) => `proxy=:AAAA:, ${all}`,
      }),
    ),
    vector(
      "headers that were joined without space",
      beat,
      edited(rotated, {
        "signature-input": (all) => all.replace(", sig2", ",sig2"),
        signature: (all) => all.replace(", sig2", ",sig2"),
      }),
      { public_keys: [publicKeyText] },
    ),
    vector("created at the earliest moment there can be", beat, signedRecorded, {
      created_between: [created, created + 9],
    }),
    vector("created at the latest moment there can be", beat, signedRecorded, {
      created_between: [created - 9, created],
    }),
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

function unsigned(): Vector[] {
  const { signature: _signature, ...withoutSignature } = signedGranted.headers;
  const problem = "answer_unsigned";
  return [
    vector("a fake server of three lines that grants", claim, granted, { problem }),
    vector("a captive portal", claim, { ...granted, body: "<html>Log in</html>" }, { problem }),
    vector(
      "a downgraded answer: the signature was taken off",
      claim,
      { ...signedGranted, headers: withoutSignature },
      { problem },
    ),
    ...["sig1=yes; please(", "sig1", "sig1=()", "sig1=?1, sig1=?0"].map((field) =>
      vector(
        `a signature-input that is none: ${field}`,
        claim,
        edited(signedGranted, { "signature-input": () => field }),
        { problem: "answer_of_another_key" },
      ),
    ),
    vector("another key", claim, signed(granted, claim, [other.key]), {
      problem: "answer_of_another_key",
    }),
  ];
}

/** Properly signed, most of them, but not as the service signs: a client need not understand it. */
function inAnotherForm(): Vector[] {
  const inputs: [guarantee: string, change: (input: string) => string][] = [
    [
      "another order of what is covered",
      (input) => input.replace(/\("@status" (\S+)/, '($1 "@status"'),
    ],
    [
      "another order of the parameters",
      (input) => input.replace(/(;created=\d+)(;keyid="[^"]*")/, "$2$1"),
    ],
    ["one more header is covered", (input) => input.replace(")", ' "content-type")')],
    ["one more parameter", (input) => `${input};tag="license"`],
    ["a parameter twice", (input) => input.replace(/;created=\d+/, "$&$&")],
    ["more space within", (input) => input.replace("(", "( ")],
    ["no time", (input) => input.replace(/;created=\d+/, "")],
    ["a downgrade: another algorithm", (input) => input.replace("ed25519", "hmac-sha256")],
    ["a downgrade: the status is not covered", (input) => input.replace('"@status" ', "")],
    ["a downgrade: the request is not covered", (input) => input.replace(/ "@method".*\)/, ")")],
  ];
  const fields: [guarantee: string, changes: Parameters<typeof edited>[1]][] = [
    ["a comma at the end", { "signature-input": (all) => `${all},` }],
    ["a comma at the end of the signatures", { signature: (all) => `${all}, ` }],
    ["a signature without padding", { signature: (all) => all.replace("==", "") }],
    ["a signature that is no base64", { signature: () => "sig1=:*#!:" }],
    ["a signature under another label", { signature: (all) => all.replace("sig1", "sig9") }],
    [
      "another label",
      {
        "signature-input": (all) => all.replace("sig1", "mine"),
        signature: (all) => all.replace("sig1", "mine"),
      },
    ],
  ];
  const problem = "answer_signature_unreadable";
  return [
    ...inputs.map(([guarantee, change]) =>
      vector(guarantee, beat, signedAs(change, recorded, beat), { problem }),
    ),
    ...fields.map(([guarantee, changes]) =>
      vector(guarantee, beat, edited(signedRecorded, changes), { problem }),
    ),
  ];
}

function ofAnotherRequest(): Vector[] {
  const { "content-digest": _digest, ...withoutDigest } = signedGranted.headers;
  const withoutNonce = (input: string) => input.replace(/;nonce="[^"]*"/, "");
  const cases: [problem: Problem, guarantee: string, VectorRequest, VectorAnswer][] = [
    [
      "answer_nonce_wrong",
      "yesterday's grant, played again",
      claim,
      signed(granted, withNonce(claim, olderNonce)),
    ],
    [
      "answer_nonce_wrong",
      "a cache: the answer to the heartbeat before",
      beat,
      signed(recorded, withNonce(beat, olderNonce)),
    ],
    ["answer_nonce_wrong", "no nonce", beat, signedAs(withoutNonce, recorded, beat)],
    ["answer_digest_wrong", "a proxy that edits the body", beat, suspendedMadeRecorded],
    ["answer_digest_wrong", "no digest", claim, { ...signedGranted, headers: withoutDigest }],
    [
      "answer_signature_wrong",
      "a proxy that edits the body and makes its digest anew",
      beat,
      edited(suspendedMadeRecorded, { "content-digest": () => digestOf(recorded.body) }),
    ],
    [
      "answer_signature_wrong",
      "the answer to another session, asked for with this nonce",
      beat,
      signed(recorded, othersBeat),
    ],
    [
      "answer_signature_wrong",
      "the same body under another status",
      beat,
      { ...signed({ ...suspended, status: 500 }, beat), status: 403 },
    ],
    [
      "answer_signature_wrong",
      "the same body on another path",
      claim,
      signed(granted, { ...claim, path: "/api/heartbeat" }),
    ],
    [
      "answer_signature_wrong",
      "another method",
      claim,
      signed(granted, { ...claim, method: "PUT" }),
    ],
    ["answer_signature_wrong", "an answer to a check, for a claim", claim, signed(granted, check)],
    [
      "answer_signature_wrong",
      "another key under the name of the pinned one",
      claim,
      signed(granted, claim, [{ ...other.key, keyId: service.key.keyId }]),
    ],
  ];
  return cases.map(([problem, guarantee, request, answer]) =>
    vector(guarantee, request, answer, { problem }),
  );
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

function answer(status: number, body: Record<string, unknown>): VectorAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

/** An answer as the service signs it. */
function signed(
  { status, headers, body }: VectorAnswer,
  request: VectorRequest,
  keys: SigningKey[] = [service.key],
): VectorAnswer {
  const bytes = Buffer.from(request.body);
  const signature = signatureHeaders(
    { statusCode: status, body },
    { ...request, body: bytes },
    keys,
    created * 1000,
  );
  return { status, headers: { ...headers, ...signature }, body };
}

/** An answer that is signed with another input than the service's. */
function signedAs(
  change: (input: string) => string,
  unsigned: VectorAnswer,
  request: VectorRequest,
): VectorAnswer {
  const answer = signed(unsigned, request);
  const input = change(answer.headers["signature-input"]?.replace("sig1=", "") ?? "");
  const values: Record<string, string | number> = {
    '"@status"': answer.status,
    '"content-digest"': digestOf(answer.body),
    '"content-type"': "application/json",
    '"@method";req': request.method,
    '"@path";req': request.path,
    '"content-digest";req': digestOf(request.body),
  };
  const [, covered = ""] = /^\( ?(.*?)\)/.exec(input) ?? [];
  const lines = covered.split(" ").map((name) => `${name}: ${values[name]}`);
  const base = [...lines, `"@signature-params": ${input}`].join("\n");
  const signature = sign(null, Buffer.from(base), service.key.privateKey).toString("base64");
  return edited(answer, {
    "signature-input": () => `sig1=${input}`,
    signature: () => `sig1=:${signature}:`,
  });
}

function edited(
  answer: VectorAnswer,
  changes: Record<string, (value: string) => string>,
): VectorAnswer {
  const headers = { ...answer.headers };
  for (const [name, change] of Object.entries(changes)) headers[name] = change(headers[name] ?? "");
  return { ...answer, headers };
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
