import { createHash, sign } from "node:crypto";
import { signatureHeaders } from "../../../lambdas/http/sign-answer.ts";
import {
  privateKeyPrefix,
  readSigningKeys,
  type SigningKey,
} from "../../../lambdas/http/signing-keys.ts";

/** What a client says of an answer that it can't take, in the order in which it looks. */
const problems = [
  "answer_unsigned",
  "answer_of_another_key",
  "answer_nonce_wrong",
  "answer_digest_wrong",
  "answer_signature_unreadable",
  "answer_signature_wrong",
  "answer_time_wrong",
] as const;

type Problem = (typeof problems)[number];

export type VectorRequest = { method: string; path: string; body: string; nonce: string };
export type VectorAnswer = { status: number; headers: Record<string, string>; body: string };

/** `clients/vectors/README.md` says what the fields are. */
type Vector = {
  guarantee: string;
  public_keys: string[];
  request: VectorRequest;
  created_between?: [earliest: number, latest: number];
  answer: VectorAnswer;
  problem?: Problem;
};

type Row = [
  guarantee: string,
  VectorRequest,
  VectorAnswer,
  rest?: Partial<Pick<Vector, "public_keys" | "created_between">>,
];

/** For each header, what becomes of its value. */
type Changes = Record<string, (value: string) => string>;

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
    keys: { service: service.texts, next: next.texts, other: other.texts },
    cases: [...verified(), ...unsigned(), ...inAnotherForm(), ...ofAnotherRequest()],
  };
}

function verified(): Vector[] {
  const nextKey = next.texts.public_key;
  const byProxy = edited(signedRecorded, {
    "signature-input": (all) => `proxy=("@authority";req "date";bs);created=1;keyid="p";x, ${all}`,
    signature: (all) => `proxy=:AAAA:, ${all}`,
  });
  const withoutSpace = edited(rotated, {
    "signature-input": (all) => all.replace(", sig2", ",sig2"),
    signature: (all) => all.replace(", sig2", ",sig2"),
  });
  const createdAt = (guarantee: string, earliest: number, latest: number): Row => {
    const created_between: [number, number] = [created + earliest, created + latest];
    return [guarantee, beat, signedRecorded, { created_between }];
  };
  return [
    ...vectors(undefined, [
      ["a granted claim", claim, signedGranted],
      ["a recorded heartbeat", beat, signedRecorded],
      ["a heartbeat on a suspended license", beat, signed(suspended, beat)],
      ["a failure of the service", beat, signed(failed, beat)],
      ["a nonce with characters that are escaped", quoted, signed(recorded, quoted)],
      [
        "a rotation: signed by two keys, of which the second is pinned",
        beat,
        rotated,
        { public_keys: [nextKey] },
      ],
      [
        "a rotation: two pinned keys, of which the second has signed",
        beat,
        signedRecorded,
        { public_keys: [nextKey, service.texts.public_key] },
      ],
      ["a signature that a proxy added for itself is none of the client's business", beat, byProxy],
      ["headers that were joined without space", beat, withoutSpace, { public_keys: [nextKey] }],
      createdAt("created at the earliest moment there can be", 0, 9),
      createdAt("created at the latest moment there can be", -9, 0),
    ]),
    ...vectors("answer_time_wrong", [
      createdAt("created too early", 1, 9),
      createdAt("created too late", -9, -1),
    ]),
  ];
}

function unsigned(): Vector[] {
  const { signature: _signature, ...withoutSignature } = signedGranted.headers;
  const downgraded = { ...signedGranted, headers: withoutSignature };
  const noInputs = ["sig1=yes; please(", "sig1", "sig1=()", "sig1=?1, sig1=?0"];
  return [
    ...vectors("answer_unsigned", [
      ["a fake server of three lines that grants", claim, granted],
      ["a captive portal", claim, { ...granted, body: "<html>Log in</html>" }],
      ["a downgraded answer: the signature was taken off", claim, downgraded],
    ]),
    ...vectors("answer_of_another_key", [
      ...noInputs.map((field): Row => {
        const answer = edited(signedGranted, { "signature-input": () => field });
        return [`a signature-input that is none: ${field}`, claim, answer];
      }),
      ["another key", claim, signed(granted, claim, [other.key])],
    ]),
  ];
}

/** Properly signed, most of them, but not as the service signs: a client need not understand it. */
function inAnotherForm(): Vector[] {
  const inputs: Changes = {
    "another order of what is covered": (input) =>
      input.replace(/\("@status" (\S+)/, '($1 "@status"'),
    "another order of the parameters": (input) =>
      input.replace(/(;created=\d+)(;keyid="[^"]*")/, "$2$1"),
    "one more header is covered": (input) => input.replace(")", ' "content-type")'),
    "one more parameter": (input) => `${input};tag="license"`,
    "a parameter twice": (input) => input.replace(/;created=\d+/, "$&$&"),
    "more space within": (input) => input.replace("(", "( "),
    "no time": (input) => input.replace(/;created=\d+/, ""),
    "a downgrade: another algorithm": (input) => input.replace("ed25519", "hmac-sha256"),
    "a downgrade: the status is not covered": (input) => input.replace('"@status" ', ""),
    "a downgrade: the request is not covered": (input) => input.replace(/ "@method".*\)/, ")"),
  };
  const mine = (all: string) => all.replace("sig1", "mine");
  const fields: Record<string, Changes> = {
    "a comma at the end": { "signature-input": (all) => `${all},` },
    "a comma at the end of the signatures": { signature: (all) => `${all}, ` },
    "a signature without padding": { signature: (all) => all.replace("==", "") },
    "a signature that is no base64": { signature: () => "sig1=:*#!:" },
    "a signature under another label": { signature: (all) => all.replace("sig1", "sig9") },
    "another label": { "signature-input": mine, signature: mine },
  };
  return vectors("answer_signature_unreadable", [
    ...Object.entries(inputs).map(
      ([guarantee, change]): Row => [guarantee, beat, signedAs(change, recorded, beat)],
    ),
    ...Object.entries(fields).map(
      ([guarantee, changes]): Row => [guarantee, beat, edited(signedRecorded, changes)],
    ),
  ]);
}

function ofAnotherRequest(): Vector[] {
  const { "content-digest": _digest, ...withoutDigest } = signedGranted.headers;
  const withoutNonce = (input: string) => input.replace(/;nonce="[^"]*"/, "");
  const yesterdays = signed(granted, withNonce(claim, olderNonce));
  const cached = signed(recorded, withNonce(beat, olderNonce));
  const newDigest = { "content-digest": () => digestOf(recorded.body) };
  const otherStatus = { ...signed({ ...suspended, status: 500 }, beat), status: 403 };
  const otherPath = signed(granted, { ...claim, path: "/api/heartbeat" });
  const sameName = signed(granted, claim, [{ ...other.key, keyId: service.key.keyId }]);
  return [
    ...vectors("answer_nonce_wrong", [
      ["yesterday's grant, played again", claim, yesterdays],
      ["a cache: the answer to the heartbeat before", beat, cached],
      ["no nonce", beat, signedAs(withoutNonce, recorded, beat)],
    ]),
    ...vectors("answer_digest_wrong", [
      ["a proxy that edits the body", beat, suspendedMadeRecorded],
      ["no digest", claim, { ...signedGranted, headers: withoutDigest }],
    ]),
    ...vectors("answer_signature_wrong", [
      [
        "a proxy that edits the body and makes its digest anew",
        beat,
        edited(suspendedMadeRecorded, newDigest),
      ],
      [
        "the answer to another session, asked for with this nonce",
        beat,
        signed(recorded, othersBeat),
      ],
      ["the same body under another status", beat, otherStatus],
      ["the same body on another path", claim, otherPath],
      ["another method", claim, signed(granted, { ...claim, method: "PUT" })],
      ["an answer to a check, for a claim", claim, signed(granted, check)],
      ["another key under the name of the pinned one", claim, sameName],
    ]),
  ];
}

/** @param problem of each of them; without one they are verified */
function vectors(problem: Problem | undefined, rows: readonly Row[]): Vector[] {
  return rows.map(([guarantee, request, answer, rest = {}]) => {
    const { public_keys = [service.texts.public_key], ...others } = rest;
    return { guarantee, public_keys, request, answer, ...others, ...(problem && { problem }) };
  });
}

function requestTo(path: string, body: Record<string, unknown>): VectorRequest {
  return { method: "POST", path, body: JSON.stringify({ ...body, nonce }), nonce };
}

export function withNonce(request: VectorRequest, other: string): VectorRequest {
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
  const asked = { ...request, body: Buffer.from(request.body) };
  const signature = signatureHeaders({ statusCode: status, body }, asked, keys, created * 1000);
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

function edited(answer: VectorAnswer, changes: Changes): VectorAnswer {
  const headers = { ...answer.headers };
  for (const [name, change] of Object.entries(changes)) headers[name] = change(headers[name] ?? "");
  return { ...answer, headers };
}

function digestOf(body: string): string {
  return `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
}

/** The same key every time, from its name. */
export function testKey(name: string) {
  const seed = createHash("sha256").update(`a key for tests: ${name}`).digest("base64url");
  const private_key = privateKeyPrefix + seed;
  const [key] = readSigningKeys(private_key);
  if (!key) throw new Error(`No key ${name}`);
  return { key, texts: { keyid: key.keyId, public_key: key.publicKeyText, private_key } };
}
