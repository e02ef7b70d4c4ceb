import { createPrivateKey, createPublicKey, hash, sign, verify } from "node:crypto";
import { expect, test } from "vitest";
import { operator } from "../../support/license-command.ts";

const license = operator({ endpoint: "http://127.0.0.1:9" });

test("signing-key create makes a pair that belongs together, another each time, and needs no table", async () => {
  const { exitCode, stdout, stderr } = await license("signing-key create --json");
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  const { private_key, public_key, key_id } = JSON.parse(stdout);
  const [, d] = /^ed25519-private:([A-Za-z0-9_-]{43})$/.exec(private_key) ?? [];
  const [, x] = /^ed25519:([A-Za-z0-9_-]{43})$/.exec(public_key) ?? [];
  const jwk = { kty: "OKP", crv: "Ed25519", x: String(x) };
  const privateKey = createPrivateKey({ key: { ...jwk, d: String(d) }, format: "jwk" });
  const signature = sign(null, Buffer.from("answer"), privateKey);
  const publicKey = createPublicKey({ key: jwk, format: "jwk" });
  expect(verify(null, Buffer.from("answer"), publicKey, signature)).toBe(true);
  expect(key_id).toBe(hash("sha256", `{"crv":"Ed25519","kty":"OKP","x":"${x}"}`, "base64url"));
  expect(JSON.parse((await license("signing-key create --json")).stdout).public_key).not.toBe(
    public_key,
  );
});

test("for people it has each key once with what to do next, and the private key nowhere else", async () => {
  const { stdout } = await license("signing-key create");
  expect(stdout.match(/ed25519-private:/g)).toHaveLength(1);
  expect(stdout).toContain("signingSecretArn");
});
