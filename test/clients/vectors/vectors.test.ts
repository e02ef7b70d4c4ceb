import { join } from "node:path";
import { expect, test } from "vitest";
import rfc from "../../../clients/vectors/rfc.json" with { type: "json" };
import { readSigningKey } from "../../../lambdas/http/signing-keys.ts";
import { buildVectors, withNonce } from "./build-vectors.ts";
import { verifiedByLibrary } from "./verified-by-library.ts";

const folder = join(import.meta.dirname, "../../../clients/vectors");
const vectors = buildVectors();

test("the vectors of the clients are what the service signs (renewed with --update)", async () => {
  const text = `${JSON.stringify(vectors, null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(folder, "signed-answers.json"));
});

/** What only a client that knows its request can see is properly signed otherwise. */
const toLibrary: Record<string, boolean | null> = {
  none: true,
  answer_time_wrong: true,
  answer_nonce_wrong: true,
  answer_signature_wrong: false,
  answer_unsigned: null,
  answer_of_another_key: null,
};

test.for(vectors.cases.filter(({ problem = "none" }) => problem in toLibrary))(
  "a library that nobody here wrote agrees with the clients: $guarantee, $problem",
  async ({ request, problem = "none", ...vector }) => {
    const [, nonce] = /nonce="(\w+)"/.exec(vector.answer.headers["signature-input"] ?? "") ?? [];
    const asked = problem === "answer_nonce_wrong" && nonce ? withNonce(request, nonce) : request;
    const found = verifiedByLibrary({ ...vector, request: asked });
    expect(await found.catch(() => null)).toBe(toLibrary[problem]);
  },
);

test("a key is named by its thumbprint", () => {
  for (const { private_key, public_key, keyid } of rfc.key_ids) {
    expect(readSigningKey(private_key)).toMatchObject({ publicKeyText: public_key, keyId: keyid });
  }
});
