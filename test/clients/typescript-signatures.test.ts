import { describe, expect, test } from "vitest";
import { askUntilAnswered } from "../../clients/typescript/check-session.ts";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import {
  type Bytes,
  platformCryptography,
  webCryptography,
} from "../../clients/typescript/cryptography.ts";
import {
  bytesOfBase64,
  parseByteSequences,
  parseSignatureInput,
  signatureBase,
} from "../../clients/typescript/http-signature.ts";
import {
  checkSession,
  Ed25519Missing,
  type FetchFunction,
  LicenseRefused,
  openSession,
  type SessionStatus,
} from "../../clients/typescript/open-session.ts";
import { pinKeys } from "../../clients/typescript/public-key.ts";
import type { Runtime } from "../../clients/typescript/runtime.ts";
import { withSignedAnswers } from "../../clients/typescript/signed-answers.ts";
import { trustingRuntime } from "../../clients/typescript/trusting-runtime.ts";
import { type Signable, signAnswer, signingKey } from "./independent-signer.ts";
import { steppingRuntime } from "./stepping-runtime.ts";

const cryptographies = { "Node.js": platformCryptography(), WebCrypto: webCryptography() };

const key = signingKey(1);
const other = signingKey(2);
const path = "/stage/api/heartbeat";
const recorded = JSON.stringify({ code: "recorded", session_timeout_seconds: 60 });

describe("standards", () => {
  test.each(Object.entries(cryptographies))(
    "the signature of RFC 9421, appendix B.2.6, is verified by %s, and no other",
    async (_name, cryptography) => {
      const publicKey = bytesOf("JrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs=");
      const inputs = parseSignatureInput(
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length");created=1618884473;keyid="test-key-ed25519"',
      );
      const signatures = parseByteSequences(
        "sig-b26=:wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw==:",
      );
      const input = inputs?.get("sig-b26");
      const signature = signatures?.get("sig-b26");
      if (!input || !signature) throw new Error("The fields of the RFC were not read");
      const request = {
        derived: { "@method": "POST", "@path": "/foo", "@authority": "example.com" },
        headers: {
          date: "Tue, 20 Apr 2021 02:07:55 GMT",
          "content-type": "application/json",
          "content-length": "18",
        },
      };
      const base = signatureBase(input, request, { derived: {}, headers: {} }) ?? "";
      const verify = await cryptography.verifierOf(publicKey);
      expect(await verify(Uint8Array.from(signature), new TextEncoder().encode(base))).toBe(true);
      const another = base.replace("/foo", "/bar");
      expect(await verify(Uint8Array.from(signature), new TextEncoder().encode(another))).toBe(
        false,
      );
    },
  );

  test("the id of a key is that of RFC 8037, appendix A.3", async () => {
    const keys = await pinKeys(
      ["ed25519:11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"],
      platformCryptography(),
    );
    expect([...keys.keys()]).toEqual(["kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"]);
  });
});

/** Asks once; `answer` may change what was signed, or what comes of it on the way. */
async function asked(
  answer: {
    sign?: Partial<Signable>;
    forge?: (answer: { status: number; text: string; headers: Record<string, string> }) => void;
  },
  cryptography = platformCryptography(),
) {
  const keys = await pinKeys([key.publicKey], cryptography);
  const runtime = runtimeWith((text) => {
    const signable = {
      ...{ status: 200, body: recorded, path, requestBody: text, keys: [key] },
      ...{ nonce: JSON.parse(text).nonce, createdSeconds: 1_700_000_000, ...answer.sign },
    };
    const exchange = {
      status: signable.status,
      text: signable.body,
      headers: signAnswer(signable),
    };
    answer.forge?.(exchange);
    return exchange;
  });
  const trusting = withSignedAnswers(runtime, "/stage/", keys, cryptography);
  const exchange = await trusting.exchange("api/heartbeat", "{}", 1_000, AbortSignal.any([]));
  return "problem" in exchange ? exchange.problem : "taken";
}

function runtimeWith(
  answer: (text: string) => { status: number; text: string; headers: Record<string, string> },
  nowMs = () => 0,
): Runtime {
  let ids = 0;
  return {
    nowMs,
    wallMs: nowMs,
    random: () => 0,
    randomId: () => `nonce-of-request-${++ids}`,
    nextClaimName: () => ({ runId: "run-of-the-tests", claimNumber: 1 }),
    pause: async () => {},
    exchange: async (_path, text) => answer(text),
  };
}

describe.each(Object.entries(cryptographies))(
  "an answer, verified by %s,",
  (_name, cryptography) => {
    test("that a pinned key has signed for this very request is taken", async () => {
      expect(await asked({}, cryptography)).toBe("taken");
    });

    test("that two keys have signed, as in a rotation, is taken by whoever pins one", async () => {
      expect(await asked({ sign: { keys: [other, key] } }, cryptography)).toBe("taken");
      expect(await asked({ sign: { keys: [key, other] } }, cryptography)).toBe("taken");
    });

    test.for<[problem: string, what: string, answer: Parameters<typeof asked>[0]]>([
      [
        "answer_unsigned",
        "of a fake server or a captive portal, without a signature",
        {
          forge: (answer) => {
            answer.headers = {};
          },
        },
      ],
      ["answer_of_another_key", "signed by somebody else", { sign: { keys: [other] } }],
      [
        "answer_signature_unreadable",
        "whose signature has another label than its input",
        {
          forge: ({ headers }) => {
            headers.signature = headers.signature?.replace("sig1", "sig2") ?? "";
          },
        },
      ],
      [
        "answer_signature_wrong",
        "signed by somebody else under the id of the pinned key",
        { sign: { keys: [{ ...other, keyId: key.keyId }] } },
      ],
      [
        "answer_signature_wrong",
        "under another status than was signed",
        {
          sign: { status: 403 },
          forge: (answer) => {
            answer.status = 200;
          },
        },
      ],
      [
        "answer_digest_wrong",
        "whose body was changed",
        {
          forge: (answer) => {
            answer.text = answer.text.replace("60", "600");
          },
        },
      ],
      [
        "answer_signature_wrong",
        "whose body was changed, and the digest with it",
        {
          forge: (answer) => {
            answer.text = answer.text.replace("60", "600");
            const { keys, nonce, ...rest } = { keys: [other], nonce: "n", createdSeconds: 0 };
            const forged = signAnswer({
              ...{ status: 200, body: answer.text, path, requestBody: "{}", keys, nonce, ...rest },
            });
            answer.headers["content-digest"] = forged["content-digest"] ?? "";
          },
        },
      ],
      [
        "answer_nonce_wrong",
        "to an earlier request, replayed by a cache or a rival",
        { sign: { nonce: "nonce-of-yesterday" } },
      ],
      ["answer_signature_wrong", "to another body", { sign: { requestBody: "{}" } }],
      [
        "answer_signature_wrong",
        "to another path",
        { sign: { path: "/stage/api/validate-license" } },
      ],
      [
        "answer_signature_incomplete",
        "whose signature does not cover the status",
        {
          forge: ({ headers }) => {
            headers["signature-input"] =
              headers["signature-input"]?.replace('"@status" ', "") ?? "";
          },
        },
      ],
      [
        "answer_signature_incomplete",
        "that names another algorithm",
        {
          forge: ({ headers }) => {
            headers["signature-input"] =
              headers["signature-input"]?.replace("ed25519", "hmac-sha256") ?? "";
          },
        },
      ],
      ...[
        "",
        "sig1",
        "sig1=()",
        'sig1=("@status");created=',
        'sig1=("a"),,',
        "sig1=?1, sig1=?0",
      ].map((field): [string, string, Parameters<typeof asked>[0]] => [
        field === "" || field === "sig1=()"
          ? field
            ? "answer_of_another_key"
            : "answer_unsigned"
          : "answer_signature_unreadable",
        `with the signature-input ${JSON.stringify(field)}`,
        {
          forge: ({ headers }) => {
            headers["signature-input"] = field;
          },
        },
      ]),
    ])("is trouble, %s: %s", async ([problem, , answer]) => {
      expect(await asked(answer, cryptography)).toBe(problem);
    });
  },
);

test("an answer made before it was asked for, or after it came, is trouble, however well signed", async () => {
  let nowMs = 0;
  let createdSeconds = 1_700_000_000;
  let code = "recorded";
  const cryptography = platformCryptography();
  const keys = await pinKeys([key.publicKey], cryptography);
  const runtime = runtimeWith(
    (text) => {
      const { nonce } = JSON.parse(text);
      const body = JSON.stringify({ code });
      const signable = { status: 200, body, path, requestBody: text, nonce, keys: [key] };
      return { status: 200, text: body, headers: signAnswer({ ...signable, createdSeconds }) };
    },
    () => nowMs,
  );
  const { exchange } = withSignedAnswers(runtime, "/stage/", keys, cryptography);
  const ask = async () => {
    const answer = await exchange("api/heartbeat", "{}", 1_000, AbortSignal.any([]));
    return "problem" in answer ? answer.problem : "taken";
  };
  expect(await ask()).toBe("taken");
  nowMs += 20_000;
  createdSeconds += 13;
  expect(await ask()).toBe("answer_time_wrong");
  nowMs += 20_000;
  createdSeconds += 14;
  expect(await ask()).toBe("taken");
  nowMs += 20_000;
  createdSeconds += 26;
  expect(await ask()).toBe("taken");
  // The machine was paused, and no clock here went on: one answer is in doubt, and no other.
  createdSeconds += 100_000;
  expect(await ask()).toBe("answer_time_wrong");
  expect(await ask()).toBe("taken");
  // The same where the session is gone meanwhile: the bot must learn of it.
  code = "session_taken";
  createdSeconds += 100_000;
  expect(await ask()).toBe("answer_time_wrong");
  expect(await ask()).toBe("taken");
  // A function that fails because its clock is wrong puts no other one in doubt.
  code = "internal_error";
  createdSeconds += 3_600;
  expect(await ask()).toBe("answer_time_wrong");
  code = "recorded";
  createdSeconds -= 3_600;
  expect(await ask()).toBe("taken");
});

test("clocks that drift apart by a second an hour part the client and the service at no time", async () => {
  let nowMs = 0;
  const cryptography = platformCryptography();
  const keys = await pinKeys([key.publicKey], cryptography);
  const runtime = runtimeWith(
    (text) => {
      const { nonce } = JSON.parse(text);
      const createdSeconds = 1_700_000_000 + Math.floor((nowMs * 3599) / 3_600_000);
      const signable = { status: 200, body: recorded, path, requestBody: text, nonce };
      const headers = signAnswer({ ...signable, keys: [key], createdSeconds });
      return { status: 200, text: recorded, headers };
    },
    () => nowMs,
  );
  const { exchange } = withSignedAnswers(runtime, "/stage/", keys, cryptography);
  for (let beat = 0; beat < 24 * 60; beat++) {
    nowMs += 60_000;
    expect(await exchange("api/heartbeat", "{}", 1_000, AbortSignal.any([]))).toHaveProperty(
      "status",
      200,
    );
  }
});

describe("a bot that has pinned a key", () => {
  const bot = { url: "http://license.test/", licenseKey: "KEY", deviceFingerprint: "device" };
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const answers: Record<string, object> = {
    "/api/validate-license": {
      ...{ code: "granted", session_id: "session-1", fencing_token: 1 },
      ...{ session_timeout_seconds: 6, heartbeat_interval_seconds: 1, held_for_seconds: 5 },
    },
    "/api/heartbeat": { code: "recorded", session_timeout_seconds: 6, held_for_seconds: 5 },
    "/api/session/release": { code: "released" },
  };

  /** Answers as the service does, signed by the keys. */
  function serviceOf(keys: Signable["keys"], change: (path: string) => object | undefined) {
    const service: FetchFunction = async (url, init) => {
      const { pathname } = new URL(url);
      const body = JSON.stringify(change(pathname) ?? answers[pathname]);
      const { nonce } = JSON.parse(init.body);
      const createdSeconds = Math.floor(Date.now() / 1_000);
      const signable = { status: 200, body, path: pathname, requestBody: init.body, nonce };
      return new Response(body, { headers: signAnswer({ ...signable, createdSeconds, keys }) });
    };
    return service;
  }

  test("is granted, keeps and releases a session of the service that has signed", async () => {
    const asked: string[] = [];
    const fetch = serviceOf([key], (path) => {
      asked.push(path);
      return undefined;
    });
    const session = await openSession({ ...bot, publicKeys: [key.publicKey], fetch });
    await expect.poll(() => asked.filter((path) => path === "/api/heartbeat").length).toBe(2);
    expect(session.held).toBe(true);
    expect(await session.release()).toBe("released");
  });

  test("is granted nothing by a fake server, and told why; without the key it would be", async () => {
    const fake: FetchFunction = async (url) => Response.json(answers[new URL(url).pathname]);
    const pinning = { ...bot, publicKeys: [key.publicKey], logger: quiet };
    const opening = claimAndKeep(pinning, steppingRuntime(fake));
    await expect(opening).rejects.toThrow(/answer_unsigned/);
    const deceived = await openSession({ ...bot, fetch: fake });
    expect(deceived.held).toBe(true);
    await deceived.release();
  });

  test("is stopped by nobody who can't sign: neither an end nor a refusal is believed", async () => {
    const statuses: SessionStatus[] = [];
    let keys = [key];
    const session = await openSession({
      ...{ ...bot, publicKeys: [key.publicKey], logger: quiet },
      fetch: (url, init) =>
        serviceOf(keys, (path) =>
          path.endsWith("heartbeat") ? { code: "session_taken" } : undefined,
        )(url, init),
      onStatus: (status) => {
        if (statuses.length === 0) keys = [other];
        statuses.push(status);
      },
    });
    await expect
      .poll(() => statuses.at(-1))
      .toMatchObject({ state: "troubled", problem: "answer_of_another_key" });
    expect(session.held).toBe(true);
    keys = [key];
    await session.release();

    const refusing = serviceOf([other], () => ({ code: "license_suspended" }));
    const options = { ...bot, fetch: refusing, logger: quiet };
    const pinning = { ...options, publicKeys: [key.publicKey] };
    const unavailable = { name: "ServiceUnavailable", problem: "answer_of_another_key" };
    const opening = claimAndKeep(pinning, steppingRuntime(refusing));
    await expect(opening).rejects.toMatchObject(unavailable);
    const asking = askUntilAnswered(
      pinning,
      await trustingRuntime(pinning, steppingRuntime(refusing)),
    );
    await expect(asking).rejects.toMatchObject(unavailable);
    await expect(openSession(options)).rejects.toThrow(LicenseRefused);
    await expect(checkSession(options)).rejects.toThrow(LicenseRefused);
  });

  test("hears at once that what it pins is no public key, and which", async () => {
    for (const [publicKeys, words] of [
      [[], /publicKeys is empty/],
      [["ed25519:short"], /"ed25519:short"/],
      [["ed25519-private:seed"], /a private key/],
      [[key.publicKey, "rsa:abc"], /"rsa:abc"/],
    ] as const) {
      await expect(openSession({ ...bot, publicKeys })).rejects.toThrow(TypeError);
      await expect(openSession({ ...bot, publicKeys })).rejects.toThrow(words);
    }
  });

  test("hears at once that its platform can't verify", async () => {
    const { crypto } = globalThis;
    const without = { subtle: undefined };
    Object.defineProperty(globalThis, "crypto", { value: without, configurable: true });
    try {
      const keys = pinKeys([key.publicKey], webCryptography());
      await expect(keys).rejects.toThrow(Ed25519Missing);
    } finally {
      Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
    }
  });
});

function bytesOf(base64: string): Bytes {
  const bytes = bytesOfBase64(base64);
  if (!bytes) throw new Error(`${base64} is no base64`);
  return bytes;
}
