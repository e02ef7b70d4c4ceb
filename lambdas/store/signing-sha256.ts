import { createHmac, createSecretKey, hash } from "node:crypto";

type Bytes = string | ArrayBuffer | ArrayBufferView;

/**
 * SHA-256, or with a secret its HMAC, as the SDK wants it for its signatures. The SDK's own passes the
 * secret's bytes to `createHmac`, where Node.js 24 takes three times as long as with a key.
 */
export class Sha256 {
  readonly #secret: Bytes | undefined;
  readonly #chunks: Buffer[] = [];

  constructor(secret?: Bytes) {
    this.#secret = secret;
  }

  update(data: Bytes): void {
    this.#chunks.push(bytesOf(data));
  }

  async digest(): Promise<Uint8Array> {
    const [first = Buffer.alloc(0), ...others] = this.#chunks;
    const data = others.length === 0 ? first : Buffer.concat(this.#chunks);
    if (this.#secret === undefined) return hash("sha256", data, "buffer");
    const key =
      typeof this.#secret === "string" ? this.#secret : createSecretKey(bytesOf(this.#secret));
    return createHmac("sha256", key).update(data).digest();
  }
}

function bytesOf(data: Bytes): Buffer {
  if (typeof data === "string") return Buffer.from(data);
  return ArrayBuffer.isView(data)
    ? Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    : Buffer.from(data);
}
