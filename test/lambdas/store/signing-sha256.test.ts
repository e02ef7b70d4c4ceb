import { expect, test } from "vitest";
import { Sha256 } from "../../../lambdas/store/signing-sha256.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

// DynamoDB Local and dynalite don't check signatures: only these vectors show that AWS takes them.
// FIPS 180-4, and RFC 4231, test cases 1 and 2.
test.for([
  [undefined, "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"],
  [
    new Uint8Array(20).fill(0x0b),
    "Hi There",
    "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
  ],
  [
    "Jefe",
    "what do ya want for nothing?",
    "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
  ],
] as const)(
  "a signature has the digest of the standard, of secret %s",
  async ([secret, text, hex]) => {
    const [whole, inParts] = [new Sha256(secret), new Sha256(secret)];
    whole.update(text);
    // A view into more bytes than its own.
    inParts.update(bytes(`..${text}..`).subarray(2, 4));
    inParts.update(bytes(text).slice(2).buffer);
    expect(Buffer.from(await whole.digest()).toString("hex")).toBe(hex);
    expect(Buffer.from(await inParts.digest()).toString("hex")).toBe(hex);
  },
);
