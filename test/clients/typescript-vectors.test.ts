import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { platformCryptography, webCryptography } from "../../clients/typescript/cryptography.ts";
import { bytesOfBase64 } from "../../clients/typescript/http-signature.ts";
import { pinKeys } from "../../clients/typescript/public-key.ts";
import { verifyAnswer } from "../../clients/typescript/signed-answers.ts";
import type { buildVectors } from "./vectors/build-vectors.ts";

const folder = join(import.meta.dirname, "../../clients/vectors");
const vectors: ReturnType<typeof buildVectors> = JSON.parse(
  readFileSync(join(folder, "signed-answers.json"), "utf8"),
);
const rfc = JSON.parse(readFileSync(join(folder, "rfc.json"), "utf8"));

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
