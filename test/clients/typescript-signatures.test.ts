import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { askUntilAnswered } from "../../clients/typescript/check-session.ts";
import { claimAndKeep } from "../../clients/typescript/claim-and-keep.ts";
import {
  bytesOfBase64,
  platformCryptography,
  webCryptography,
} from "../../clients/typescript/cryptography.ts";
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
import { verifyAnswer, withSignedAnswers } from "../../clients/typescript/signed-answers.ts";
import { trustingRuntime } from "../../clients/typescript/trusting-runtime.ts";
import rfc from "../../clients/vectors/rfc.json" with { type: "json" };
import type { SigningKey } from "../../lambdas/http/signing-keys.ts";
import { signedBy } from "./signed-by.ts";
import { steppingRuntime } from "./stepping-runtime.ts";
import { type buildVectors, testKey } from "./vectors/build-vectors.ts";

const { key } = testKey("service");
const { key: other } = testKey("other");

const vectors: ReturnType<typeof buildVectors> = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../clients/vectors/signed-answers.json"), "utf8"),
);

describe.each([
  ["Node.js", platformCryptography()],
  ["WebCrypto", webCryptography()],
])("with the cryptography of %s", (_name, cryptography) => {
  test.for(vectors.cases)("$guarantee: $problem", async (vector) => {
    const { request, answer, created_between = [-Infinity, Infinity] } = vector;
    const keys = await pinKeys(vector.public_keys, cryptography);
    const [earliest, latest] = created_between;
    const { problem } = await verifyAnswer(
      { status: answer.status, headers: answer.headers, text: answer.body },
      {
        nonce: request.nonce,
        path: request.path,
        text: request.body,
        createdBetweenMs: [earliest * 1_000, latest * 1_000],
      },
      keys,
      cryptography,
    );
    expect(problem).toBe(vector.problem);
  });

  test("the signatures of the standards are verified, and no others", async () => {
    for (const { public_key, signature_base, signature } of rfc.signatures) {
      const [verify] = (await pinKeys([public_key], cryptography)).values();
      const bytes = bytesOfBase64(signature);
      if (!verify || !bytes) throw new Error("The vector can't be read");
      const encoder = new TextEncoder();
      expect(await verify(bytes, encoder.encode(signature_base))).toBe(true);
      expect(await verify(bytes, encoder.encode(`${signature_base} `))).toBe(false);
    }
  });

  test("a key is named by its thumbprint", async () => {
    for (const { public_key, keyid } of rfc.key_ids) {
      expect([...(await pinKeys([public_key], cryptography)).keys()]).toEqual([keyid]);
    }
  });
});

/** Asks a service that answers as at that moment, and may say another code. */
async function askingAt() {
  const world = { nowMs: 0, createdMs: 1_700_000_000_000, code: "recorded" };
  const cryptography = platformCryptography();
  const keys = await pinKeys([key.publicKeyText], cryptography);
  const runtime: Runtime = {
    ...steppingRuntime(fetch),
    nowMs: () => world.nowMs,
    exchange: async (path, text) => {
      const body = JSON.stringify({ code: world.code });
      const headers = signedBy([key], `/stage/${path}`, text, body, world.createdMs);
      return { status: 200, text: body, headers };
    },
  };
  const { exchange } = withSignedAnswers(runtime, "/stage/", keys, cryptography);
  const ask = async () => {
    const answer = await exchange("api/heartbeat", "{}", 1_000, AbortSignal.any([]));
    return "problem" in answer ? answer.problem : "taken";
  };
  return { world, ask };
}

test("an answer made before it was asked for, or after it came, is trouble, however well signed", async () => {
  const { world, ask } = await askingAt();
  const asked = (passedMs: number, createdSeconds: number, code = "recorded") => {
    world.nowMs += passedMs;
    world.createdMs += createdSeconds * 1_000;
    world.code = code;
    return ask();
  };
  expect(await asked(0, 0)).toBe("taken");
  expect(await asked(20_000, 13)).toBe("answer_time_wrong");
  expect(await asked(20_000, 14)).toBe("taken");
  expect(await asked(20_000, 26)).toBe("taken");
  // The machine was paused, and no clock here went on: one answer is in doubt, and no other.
  expect(await asked(0, 100_000)).toBe("answer_time_wrong");
  expect(await asked(0, 0)).toBe("taken");
  // The same where the session is gone meanwhile: the bot must learn of it.
  expect(await asked(0, 100_000, "session_taken")).toBe("answer_time_wrong");
  expect(await asked(0, 0, "session_taken")).toBe("taken");
  // A function that fails because its clock is wrong puts no other one in doubt.
  expect(await asked(0, 3_600, "internal_error")).toBe("answer_time_wrong");
  expect(await asked(0, -3_600)).toBe("taken");
});

test("clocks that drift apart by a second an hour part the client and the service at no time", async () => {
  const { world, ask } = await askingAt();
  for (let beat = 0; beat < 24 * 60; beat++) {
    world.nowMs += 60_000;
    world.createdMs = 1_700_000_000_000 + (world.nowMs * 3599) / 3600;
    expect(await ask()).toBe("taken");
  }
});

describe("a bot that has pinned a key", () => {
  const bot = { url: "http://license.test/", licenseKey: "KEY", deviceFingerprint: "device" };
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const answers: Record<string, object> = {
    "/api/validate-license": {
      code: "granted",
      session_id: "session-1",
      fencing_token: 1,
      session_timeout_seconds: 6,
      heartbeat_interval_seconds: 1,
      held_for_seconds: 5,
    },
    "/api/heartbeat": { code: "recorded", session_timeout_seconds: 6, held_for_seconds: 5 },
    "/api/session/release": { code: "released" },
  };

  /** Answers as the service does, signed by the keys. */
  function serviceOf(keys: SigningKey[], change: (path: string) => object | undefined) {
    const service: FetchFunction = async (url, { body: text }) => {
      const { pathname } = new URL(url);
      const body = JSON.stringify(change(pathname) ?? answers[pathname]);
      return new Response(body, { headers: signedBy(keys, pathname, text, body) });
    };
    return service;
  }

  test("is granted, keeps and releases a session of the service that has signed", async () => {
    const asked: string[] = [];
    const fetch = serviceOf([key], (path) => {
      asked.push(path);
      return undefined;
    });
    const session = await openSession({ ...bot, publicKeys: [key.publicKeyText], fetch });
    await expect.poll(() => asked.filter((path) => path === "/api/heartbeat").length).toBe(2);
    expect(session.held).toBe(true);
    expect(await session.release()).toBe("released");
  });

  test("is granted nothing by a fake server, and told why; without the key it would be", async () => {
    const fake: FetchFunction = async (url) => Response.json(answers[new URL(url).pathname]);
    const pinning = { ...bot, publicKeys: [key.publicKeyText], logger: quiet };
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
      ...bot,
      publicKeys: [key.publicKeyText],
      logger: quiet,
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
    const pinning = { ...options, publicKeys: [key.publicKeyText] };
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
      [[key.publicKeyText, "rsa:abc"], /"rsa:abc"/],
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
      const keys = pinKeys([key.publicKeyText], webCryptography());
      await expect(keys).rejects.toThrow(Ed25519Missing);
    } finally {
      Object.defineProperty(globalThis, "crypto", { value: crypto, configurable: true });
    }
  });
});
