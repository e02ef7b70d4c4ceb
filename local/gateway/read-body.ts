import type { IncomingMessage } from "node:http";

/**
 * Reads a request's body, but keeps no more of it than is allowed.
 *
 * @throws if the caller breaks off
 */
export function readBody(
  request: IncomingMessage,
  maxBytes: number,
): Promise<Buffer | "too large"> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | "too large">();
  const chunks: Buffer[] = [];
  let receivedBytes = 0;
  request.on("data", (chunk: Buffer) => {
    receivedBytes += chunk.length;
    if (receivedBytes <= maxBytes) {
      chunks.push(chunk);
      return;
    }
    // The rest flows on and is dropped: a caller cut off while it sends may not see the answer.
    chunks.length = 0;
    resolve("too large");
  });
  request.on("end", () => resolve(Buffer.concat(chunks)));
  request.on("error", reject);
  request.on("close", () => reject(new Error("The caller broke off")));
  return promise;
}
