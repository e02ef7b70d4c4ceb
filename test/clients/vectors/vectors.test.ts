import { createPublicKey, hash, verify } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { httpbis } from "http-message-signatures";
import { describe, expect, test } from "vitest";
import { readSigningKey } from "../../../lambdas/http/signing-keys.ts";
import { buildVectors, type Vector } from "./build-vectors.ts";
import { verifiedByLibrary } from "./verified-by-library.ts";

const folder = join(import.meta.dirname, "../../../clients/vectors");
const vectors = buildVectors();

test("the vectors of the clients are what the service signs (renewed with --update)", async () => {
  const text = `${JSON.stringify(vectors, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(folder, "signed-answers.json"));
});

describe("a library that nobody here wrote", () => {
  const isSigned = ({ problem }: Vector) =>
    problem === undefined || problem === "answer_time_wrong";

  test.for(vectors.cases.filter(isSigned))("verifies: $guarantee", async (vector) => {
    expect(await verifiedByLibrary(vector)).toBe(true);
    expect(vector.answer.headers["content-digest"]).toBe(digestOf(vector.answer.body));
  });

  test.for(vectors.cases.filter(({ problem }) => problem === "answer_signature_wrong"))(
    "finds forged: $guarantee",
    async (vector) => {
      expect(await verifiedByLibrary(vector)).toBe(false);
    },
  );

  test.for(
    vectors.cases.filter(
      ({ problem }) => problem === "answer_unsigned" || problem === "answer_of_another_key",
    ),
  )("finds no signature of a pinned key: $guarantee", async (vector) => {
    await expect(verifiedByLibrary(vector).catch(() => null)).resolves.toBeNull();
  });

  // What only a client that knows its request can see is properly signed otherwise.
  test.for(vectors.cases.filter(({ problem }) => problem === "answer_nonce_wrong"))(
    "does not know the nonce: $guarantee",
    async ({ request, ...vector }) => {
      const input = vector.answer.headers["signature-input"] ?? "";
      const [, nonce] = /nonce="([^"]*)"/.exec(input) ?? [];
      const asked = nonce === undefined ? request : withNonce(request, nonce);
      expect(await verifiedByLibrary({ ...vector, request: asked })).toBe(true);
    },
  );
});

describe("the vectors of the standards", () => {
  const rfc = JSON.parse(readFileSync(join(folder, "rfc.json"), "utf8"));

  test("their signatures are verified by Node's own crypto", () => {
    for (const { public_key, signature_base, signature } of rfc.signatures) {
      const x = public_key.slice("ed25519:".length);
      const key = createPublicKey({ key: { kty: "OKP", crv: "Ed25519", x }, format: "jwk" });
      const bytes = Buffer.from(signature, "base64");
      expect(verify(null, Buffer.from(signature_base), key, bytes)).toBe(true);
    }
  });

  test("the library builds the signature base of RFC 9421, B.2.6", () => {
    const fields = ["date", "@method", "@path", "@authority", "content-type", "content-length"];
    const base = httpbis.createSignatureBase(
      { fields },
      {
        method: "POST",
        url: "https://example.com/foo?param=Value&Pet=dog",
        headers: {
          date: "Tue, 20 Apr 2021 02:07:55 GMT",
          "content-type": "application/json",
          "content-length": "18",
        },
      },
    );
    expect(rfc.signatures[0].signature_base).toContain(httpbis.formatSignatureBase(base));
  });

  test("a key is named by its thumbprint", () => {
    for (const { private_key, public_key, keyid } of rfc.key_ids) {
      expect(readSigningKey(private_key)).toMatchObject({
        publicKeyText: public_key,
        keyId: keyid,
      });
    }
  });

  test("digests", () => {
    for (const { body, content_digest } of rfc.content_digests) {
      expect(digestOf(body)).toBe(content_digest);
    }
  });
});

function withNonce(request: Vector["request"], nonce: string): Vector["request"] {
  const body = JSON.stringify({ ...JSON.parse(request.body), nonce });
  return { ...request, nonce, body };
}

function digestOf(body: string): string {
  return `sha-256=:${hash("sha256", body, "base64")}:`;
}
